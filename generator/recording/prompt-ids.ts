import type { PreTrainedTokenizer } from '@huggingface/transformers';
import seedrandom from 'seedrandom';
import { PromptError } from '../../engine/errors.ts';
import type { Prompt } from '../../golden/schema.ts';

/** A prompt as token ids. */
export interface PromptIds {
  ids: number[];
  /** The text, or the rendered conversation; absent for prompts that are ids. */
  text?: string;
}

/** Whether the prompt needs no tokenizer. */
export function isIdPrompt(prompt: Prompt): boolean {
  return 'ids' in prompt || 'seededIds' in prompt;
}

/** The part of a tokenizer that renders and encodes prompts. */
type PromptTokenizer = Pick<PreTrainedTokenizer, 'encode' | 'apply_chat_template'>;

/**
 * @throws TypeError if the prompt needs a tokenizer and none is given.
 * @throws PromptError if an id is outside the vocabulary.
 */
export function promptIds(prompt: Prompt, vocabSize: number, tokenizer?: PromptTokenizer): PromptIds {
  if ('ids' in prompt) return { ids: prompt.ids.map((id) => absoluteId(id, vocabSize, prompt.id)) };
  if ('seededIds' in prompt) {
    const random = seedrandom.alea(prompt.seededIds.seed);
    return { ids: Array.from({ length: prompt.seededIds.length }, () => Math.floor(random() * vocabSize)) };
  }
  if (!tokenizer) throw new TypeError(`prompt "${prompt.id}" is a text, and the model has no tokenizer`);
  const text = 'text' in prompt ? prompt.text : render(prompt, tokenizer);
  return { ids: tokenizer.encode(text, { add_special_tokens: false }), text };
}

/** @param id counts from the end of the vocabulary if it is below 0. */
function absoluteId(id: number, vocabSize: number, prompt: string): number {
  if (id < -vocabSize || id >= vocabSize) {
    throw new PromptError(
      `prompt "${prompt}": id ${id} is outside the vocabulary; expected ${-vocabSize} to ${vocabSize - 1}`,
    );
  }
  return id < 0 ? vocabSize + id : id;
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
