import { z } from 'zod';
import { OptionError } from '../../errors.ts';
import { ApiError } from '../api-error.ts';
import type { ChatPrompt } from '../context.ts';
import { arrayOf } from '../request-body.ts';
import { conversationOf } from './conversation.ts';
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
  tools: arrayOf<z.infer<typeof tool>>(
    (element) => tool.safeParse(element).error?.issues[0],
    'expected an array of tools',
  ).nullish(),
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
 * @param toolsJson the JSON that the body's `tools` were parsed from. Default: that of their values.
 * @throws OptionError, ApiError that name the field if it is wrong, or the template does not render tools.
 */
export function chatPromptOf(
  body: z.infer<typeof promptBody>,
  traits: TemplateTraits,
  toolsJson?: string,
): ChatPrompt {
  const { messages, add_generation_prompt, continue_final_message, chat_template_kwargs } = body;
  const continueFinalMessage = continue_final_message ?? false;
  if (continueFinalMessage && add_generation_prompt === true) {
    throw new OptionError('continue_final_message', true, 'false, or add_generation_prompt false');
  }
  const enableThinking = chat_template_kwargs?.enable_thinking;
  return {
    messages: conversationOf(messages),
    argumentsAsJson: traits.takesArgumentsAsJson,
    addGenerationPrompt: !continueFinalMessage && (add_generation_prompt ?? true),
    continueFinalMessage,
    ...(enableThinking != null && { enableThinking }),
    ...(hasTools(body, traits) && { toolsJson: toolsJson ?? JSON.stringify(body.tools) }),
  };
}

/** An empty array is no tools: it would make templates introduce none at all. */
function hasTools(
  { tools }: Pick<z.infer<typeof promptBody>, 'tools'>,
  { rendersTools }: TemplateTraits,
): boolean {
  if (tools == null || tools.length === 0) return false;
  if (rendersTools) return true;
  const message = 'cannot serve tools: the chat template of the model does not render them; leave them out';
  throw new ApiError(400, message, { param: 'tools' });
}
