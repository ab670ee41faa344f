import seedrandom from 'seedrandom';
import { PromptError } from '../engine/errors.ts';
import type { Prompt } from './schema.ts';

/** A prompt that needs no tokenizer. */
export type IdPrompt = Extract<Prompt, { ids: unknown } | { seededIds: unknown }>;

/** Whether a model without tokenizer can be given this prompt. */
export function isIdPrompt(prompt: Prompt): prompt is IdPrompt {
  return 'ids' in prompt || 'seededIds' in prompt;
}

/** @throws PromptError if an id is outside the vocabulary. */
export function idsOfPrompt(prompt: IdPrompt, vocabSize: number): number[] {
  if ('ids' in prompt) return prompt.ids.map((id) => absoluteId(id, vocabSize, prompt.id));
  const random = seedrandom.alea(prompt.seededIds.seed);
  return Array.from({ length: prompt.seededIds.length }, () => Math.floor(random() * vocabSize));
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
