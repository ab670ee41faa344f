import { inspect } from 'node:util';
import { ApiError } from '../api-error.ts';

/** A prompt as a client gives it. */
export type Prompt = { readonly text: string } | { readonly ids: readonly number[] };

/** The most choices of one request: its prompts times the samples of each. */
export const MAX_CHOICES = 1024;

/**
 * Reads the field `prompt`: a text, token ids, or an array of either.
 *
 * @throws ApiError 400 that names the part at fault: `prompt[1][0]`.
 */
export function parsePrompts(prompt: unknown, vocabSize: number): Prompt[] {
  if (!Array.isArray(prompt)) return [parsePrompt(prompt, 'prompt', vocabSize)];
  if (prompt.length === 0) throw wrong('prompt', prompt, 'at least one token id or prompt');
  if (typeof prompt[0] === 'number') return [parsePrompt(prompt, 'prompt', vocabSize)];
  if (prompt.length > MAX_CHOICES) {
    throw wrong('prompt', prompt, `at most ${MAX_CHOICES} prompts in a request`);
  }
  return prompt.map((each, i) => parsePrompt(each, `prompt[${i}]`, vocabSize));
}

function parsePrompt(prompt: unknown, param: string, vocabSize: number): Prompt {
  if (typeof prompt === 'string') {
    if (prompt === '') throw wrong(param, prompt, 'a text that is not empty');
    if (!prompt.isWellFormed()) throw wrong(param, prompt, 'a text without lone surrogates');
    return { text: prompt };
  }
  if (!Array.isArray(prompt)) throw wrong(param, prompt, 'a text, token ids, or an array of either');
  if (prompt.length === 0) throw wrong(param, prompt, 'at least one token id');
  const at = prompt.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (at < 0) return { ids: prompt };
  throw wrong(`${param}[${at}]`, prompt[at], `a token id, a whole number from 0 to ${vocabSize - 1}`);
}

function wrong(param: string, found: unknown, expected: string): ApiError {
  const shown = inspect(found, { depth: 0, maxArrayLength: 4, maxStringLength: 40, breakLength: Infinity });
  return new ApiError(400, `cannot read ${param}: found ${shown}; expected ${expected}`, { param });
}
