import { z } from 'zod';
import { OptionError } from '../../errors.ts';
import { ApiError } from '../api-error.ts';
import type { ChatPrompt } from '../context.ts';
import { conversationOf } from './conversation.ts';
import { checkJsonValue } from './json-value.ts';
import type { TemplateTraits } from './template-traits.ts';

const flag = z.boolean('expected true or false').nullish();

const tool = z.looseObject(
  {
    type: z.literal('function', 'expected "function"'),
    function: z.looseObject(
      { name: z.string('expected a string').min(1, 'expected at least one character') },
      'expected an object with name, description and parameters',
    ),
  },
  'expected {"type": "function", "function": {…}}',
);

/** Fields of a body that decide what the chat template renders. Null is absence. */
export const promptFields = {
  messages: z.unknown().optional(),
  tools: z.array(tool, 'expected an array of tools').nullish(),
  add_generation_prompt: flag,
  continue_final_message: flag,
  chat_template_kwargs: z
    .strictObject({ enable_thinking: flag }, 'expected an object with enable_thinking, and nothing else')
    .nullish(),
};

const promptBody = z.object(promptFields);

/**
 * The conversation of a request. By default the prompt ends with the beginning of an answer.
 *
 * @throws OptionError, ApiError that name the field if it is wrong, or the template does not render tools.
 */
export function chatPromptOf(body: z.infer<typeof promptBody>, traits: TemplateTraits): ChatPrompt {
  const { messages, add_generation_prompt, continue_final_message, chat_template_kwargs } = body;
  const continueFinalMessage = continue_final_message ?? false;
  if (continueFinalMessage && add_generation_prompt === true) {
    throw new OptionError('continue_final_message', true, 'false, or add_generation_prompt false');
  }
  const enableThinking = chat_template_kwargs?.enable_thinking;
  const tools = toolsOf(body, traits);
  return {
    messages: conversationOf(messages, traits),
    addGenerationPrompt: !continueFinalMessage && (add_generation_prompt ?? true),
    continueFinalMessage,
    ...(enableThinking != null && { enableThinking }),
    ...(tools && { tools }),
  };
}

/** @returns undefined if there are none: an empty array would make templates introduce no tools at all. */
function toolsOf(
  { tools }: Pick<z.infer<typeof promptBody>, 'tools'>,
  { rendersTools }: TemplateTraits,
): ChatPrompt['tools'] {
  if (tools == null || tools.length === 0) return undefined;
  if (!rendersTools) {
    const message = 'cannot serve tools: the chat template of the model does not render them; leave them out';
    throw new ApiError(400, message, { param: 'tools' });
  }
  for (const [i, each] of tools.entries()) checkJsonValue(`tools[${i}]`, each);
  return tools;
}
