import type { ModelConfig } from './config.ts';
import type { EngineOptions } from './serving/requests.ts';

/** What {@link EngineOptions} says of cache and steps, complete. */
export interface ScheduleOptions {
  cacheTokens: number;
  blockSize: number;
  maxBatch: number;
  maxBatchTokens: number;
  prefillChunk: number;
  prefixCaching: boolean;
}

/** @throws RangeError if an option is not a positive whole number. */
export function completeEngineOptions(
  options: EngineOptions,
  config: ModelConfig,
): Readonly<ScheduleOptions> {
  const {
    cacheTokens = Math.min(config.maxPositionEmbeddings, 4096),
    blockSize = 16,
    maxBatch = 16,
    maxBatchTokens = 256,
    prefillChunk = 128,
    prefixCaching = true,
  } = options;
  const sizes = { cacheTokens, blockSize, maxBatch, maxBatchTokens, prefillChunk };
  for (const [name, value] of Object.entries(sizes)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`${name} is ${value}; expected a whole number, 1 or more`);
    }
  }
  return Object.freeze({ ...sizes, prefixCaching });
}
