import type { PreTrainedTokenizer } from '@huggingface/transformers';
import { idsOfPrompt, isIdPrompt } from '../../golden/id-prompts.ts';
import type { Prompt } from '../../golden/schema.ts';

/** A prompt as token ids. */
export interface PromptIds {
  ids: number[];
  /** The text, or the rendered conversation; absent for prompts that are ids. */
  text?: string;
}

/** The part of a tokenizer that renders and encodes prompts. */
type PromptTokenizer = Pick<PreTrainedTokenizer, 'encode' | 'apply_chat_template'>;

/**
 * @throws TypeError if the prompt needs a tokenizer and none is given.
 * @throws PromptError if an id is outside the vocabulary.
 */
export function promptIds(prompt: Prompt, vocabSize: number, tokenizer?: PromptTokenizer): PromptIds {
  if (isIdPrompt(prompt)) return { ids: idsOfPrompt(prompt, vocabSize) };
  if (!tokenizer) throw new TypeError(`prompt "${prompt.id}" is a text, and the model has no tokenizer`);
  const text = 'text' in prompt ? prompt.text : render(prompt, tokenizer);
  return { ids: tokenizer.encode(text, { add_special_tokens: false }), text };
}

function render(
  { messages, template = {} }: Extract<Prompt, { messages: unknown }>,
  tokenizer: PromptTokenizer,
): string {
  const { addGenerationPrompt = true, enableThinking, tools } = template;
  return tokenizer.apply_chat_template(
    messages as unknown as Parameters<typeof tokenizer.apply_chat_template>[0],
    {
      tokenize: false,
      add_generation_prompt: addGenerationPrompt,
      ...(enableThinking === undefined ? {} : { enable_thinking: enableThinking }),
      ...(tools ? { tools } : {}),
    },
  ) as string;
}
