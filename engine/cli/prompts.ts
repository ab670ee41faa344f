import type { ModelConfig } from '../config.ts';
import { PromptError } from '../errors.ts';
import type { ScheduleOptions } from '../options.ts';
import { checkPrompt } from '../serving/prompt.ts';
import type { GenerateRequest } from '../serving/requests.ts';
import { completeSamplingParams } from '../serving/sampling-params.ts';
import { numBlocksOf } from './engine-flags.ts';

/** A request, and what errors call it. */
export interface NamedRequest extends GenerateRequest {
  name: string;
}

/**
 * Checks all prompts of a run before any is computed.
 *
 * @throws PromptError that names the first prompt the model cannot be given.
 */
export function checkPrompts(prompts: readonly (readonly number[])[], config: ModelConfig): void {
  for (const [index, ids] of prompts.entries()) named(`prompt ${index}`, () => checkPrompt(ids, config));
}

/**
 * Checks all that can be known of requests before the weights are read.
 *
 * @param hasText whether there is a tokenizer.
 * @throws PromptError that names the first request that cannot be served.
 */
export function checkRequests(
  requests: readonly NamedRequest[],
  config: ModelConfig,
  { cacheTokens, blockSize }: Readonly<ScheduleOptions>,
  hasText: boolean,
): void {
  const numBlocks = numBlocksOf(cacheTokens, blockSize);
  for (const request of requests) {
    named(request.name, () => {
      const { ids, maxNewTokens } = request;
      checkPrompt(ids, config, maxNewTokens);
      const { stop } = completeSamplingParams(request, config);
      if (stop.length > 0 && !hasText) {
        throw new PromptError('stop strings need text, and the model has no tokenizer files');
      }
      const wanted = numBlocksOf(ids.length + maxNewTokens, blockSize);
      if (wanted > numBlocks) {
        throw new PromptError(
          `prompt and continuation take ${wanted} blocks of ${blockSize} positions; the cache has ${numBlocks}: ` +
            'raise --cache-blocks',
        );
      }
    });
  }
}

function named(name: string, check: () => void): void {
  try {
    check();
  } catch (cause) {
    throw new PromptError(`${name}: ${(cause as Error).message}`, { cause });
  }
}

/** Positions of a cache in which each of the prompts, one at a time, has room. */
export function cacheTokensFor(prompts: readonly (readonly number[])[]): number {
  return prompts.reduce((most, ids) => Math.max(most, ids.length), 0);
}
