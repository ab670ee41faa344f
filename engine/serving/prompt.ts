import type { ModelConfig } from '../config.ts';
import { PromptError } from '../errors.ts';

/**
 * Checks that a model can be given a prompt.
 *
 * @param maxNewTokens tokens that will follow it. Default 0.
 * @throws PromptError if the prompt is empty, has ids outside the vocabulary, or takes more positions than the
 * model has, or `maxNewTokens` is not a whole number.
 */
export function checkPrompt(
  ids: readonly number[],
  { vocabSize, maxPositionEmbeddings }: Pick<ModelConfig, 'vocabSize' | 'maxPositionEmbeddings'>,
  maxNewTokens = 0,
): void {
  if (ids.length === 0) {
    throw new PromptError('the prompt is empty; a model needs at least one token to go on from');
  }
  const index = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
  if (index >= 0) {
    throw new PromptError(
      `the prompt's id at position ${index} is ${ids[index]}; expected a whole number from 0 to ${vocabSize - 1}`,
    );
  }
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
    throw new PromptError(`maxNewTokens is ${maxNewTokens}; expected a whole number, 0 or more`);
  }
  const positions = ids.length + maxNewTokens;
  if (positions > maxPositionEmbeddings) {
    throw new PromptError(
      `prompt and continuation take ${positions} positions (${ids.length} of the prompt); the model has ${maxPositionEmbeddings}`,
    );
  }
}

/** @throws PromptError unless the positions are some of a prompt's, in ascending order. */
export function checkPositions(positions: readonly number[], length: number): void {
  for (const [i, position] of positions.entries()) {
    if (!Number.isInteger(position) || position >= length || position <= (i === 0 ? -1 : positions[i - 1])) {
      throw new PromptError(
        `position ${position} was asked for; expected ascending whole numbers from 0 to ${length - 1}`,
      );
    }
  }
}
