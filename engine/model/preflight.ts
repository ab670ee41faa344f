import type { ModelDirectory } from '../checkpoint/model-directory.ts';
import { KernelError } from '../errors.ts';
import type { ScheduleOptions } from '../options.ts';
import { cacheBytesPerToken } from './kv-cache.ts';
import { stepBytesPerRow } from './step.ts';

/** All that one WebAssembly memory addresses. */
const MAX_BYTES = 2 ** 32;

/**
 * Refuses a model that cannot be loaded, before memory is reserved or a weight is read: from the headers
 * alone. Small working memory that every rank needs for itself is not counted; the kernels refuse it when
 * they reserve it.
 *
 * @param ranks that share weights and cache.
 * @throws KernelError if weights, cache and the buffers of a step are more than one memory holds; it names
 * all three.
 */
export function checkLoadable(
  { path, config, checkpoint }: ModelDirectory,
  { cacheTokens, blockSize, maxBatchTokens }: ScheduleOptions,
  ranks = 1,
): void {
  let weights = 0;
  for (const { info } of checkpoint.tensors.values()) weights += info.end - info.begin;
  const cache = Math.ceil(cacheTokens / blockSize) * blockSize * cacheBytesPerToken(config);
  const step = maxBatchTokens * stepBytesPerRow(config);
  if ((weights + cache + step) / ranks <= MAX_BYTES) return;
  throw new KernelError(
    `${path}: the weights take ${mebibytes(weights)}, a cache of ${cacheTokens} tokens (cacheTokens, in blocks of ` +
      `blockSize ${blockSize}) ${mebibytes(cache)}, and a step of ${maxBatchTokens} tokens (maxBatchTokens) ` +
      `${mebibytes(step)}; expected at most ${mebibytes(MAX_BYTES)} together: use a smaller cache (fewer or shorter ` +
      'requests), smaller steps, a smaller model, or more ranks of tensor parallelism (--tp)',
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
