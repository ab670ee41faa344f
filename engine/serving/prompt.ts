import type { ModelConfig } from '../config.ts';
import { OptionError, PromptError } from '../errors.ts';
import { checkCount } from '../options.ts';

/**
 * Checks that the model can take a prompt and its continuation.
 *
 * @param maxNewTokens tokens that will follow the prompt. Default 0.
 * @returns a copy of the ids: the caller may change its own at any time.
 * @throws OptionError if `ids` is not an array, or `maxNewTokens` not a whole number, 0 or more.
 * @throws PromptError if the prompt is empty, has ids outside the vocabulary, or takes, with its
 * continuation, more positions than the model has.
 */
export function checkPrompt(
  ids: readonly number[],
  { vocabSize, maxPositionEmbeddings }: Pick<ModelConfig, 'vocabSize' | 'maxPositionEmbeddings'>,
  maxNewTokens = 0,
): number[] {
  if (!Array.isArray(ids)) throw new OptionError('ids', ids, 'an array of token ids');
  const copy: number[] = [...ids];
  if (copy.length === 0) {
    throw new PromptError('the prompt is empty; expected at least one token id');
  }
  const index = copy.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (index >= 0) {
    const found = typeof copy[index] === 'number' ? copy[index] : `of type ${typeof copy[index]}`;
    throw new PromptError(
      `the prompt's id at position ${index} is ${found}; expected a whole number from 0 to ${vocabSize - 1}`,
    );
  }
  checkCount('maxNewTokens', maxNewTokens, 0);
  const positions = copy.length + maxNewTokens;
  if (positions > maxPositionEmbeddings) {
    throw new PromptError(
      `prompt and continuation take ${positions} positions (${copy.length} of the prompt); the model has ${maxPositionEmbeddings}`,
    );
  }
  return copy;
}
