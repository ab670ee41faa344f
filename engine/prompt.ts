import type { ModelConfig } from './config.ts';
import { PromptError } from './errors.ts';

/**
 * Checks that a model can be given a prompt.
 *
 * @param maxNewTokens tokens that will follow it. Default 0.
 * @throws PromptError if the prompt is empty, has ids outside the vocabulary, or takes more positions than the
 * model has.
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
  const positions = ids.length + maxNewTokens;
  if (positions > maxPositionEmbeddings) {
    throw new PromptError(
      `prompt and continuation take ${positions} positions (${ids.length} of the prompt); the model has ${maxPositionEmbeddings}`,
    );
  }
}
