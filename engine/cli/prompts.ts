import type { ModelConfig } from '../config.ts';
import { PromptError } from '../errors.ts';
import { checkPrompt } from '../prompt.ts';

/**
 * Checks all prompts of a run before any is computed.
 *
 * @throws PromptError that names the first prompt the model cannot be given.
 */
export function checkPrompts(
  prompts: readonly (readonly number[])[],
  config: ModelConfig,
  maxNewTokens = 0,
): void {
  for (const [index, ids] of prompts.entries()) {
    try {
      checkPrompt(ids, config, maxNewTokens);
    } catch (cause) {
      throw new PromptError(`prompt ${index}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** Positions of a cache in which each of the prompts, one at a time, has room with its continuation. */
export function cacheTokensFor(prompts: readonly (readonly number[])[], maxNewTokens = 0): number {
  return prompts.reduce((most, ids) => Math.max(most, ids.length), 0) + maxNewTokens;
}
