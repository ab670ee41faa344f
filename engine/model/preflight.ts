import { Checkpoint } from '../checkpoint/checkpoint.ts';
import { checkWeights } from '../checkpoint/weights.ts';
import type { ModelConfig } from '../config.ts';
import { KernelError } from '../errors.ts';
import { cacheBytesPerToken } from './kv-cache.ts';

/** All that one WebAssembly memory addresses. */
const MAX_BYTES = 2 ** 32;

/**
 * Refuses what cannot be loaded before any memory is taken or a weight is read: from the headers alone.
 *
 * @param ranks that share them. What each of them has besides is not counted: its kernels notice it.
 * @throws CheckpointError if the weights are missing, malformed or not those of `config`.
 * @throws KernelError if weights and cache are more than one memory holds; it names both.
 */
export function checkLoadable(modelDir: string, config: ModelConfig, cacheTokens: number, ranks = 1): void {
  const checkpoint = Checkpoint.open(modelDir);
  let weights = 0;
  try {
    checkWeights(checkpoint, config);
    for (const { info } of checkpoint.tensors.values()) weights += info.end - info.begin;
  } finally {
    checkpoint.close();
  }
  const cache = cacheTokens * cacheBytesPerToken(config);
  if ((weights + cache) / ranks <= MAX_BYTES) return;
  throw new KernelError(
    `${modelDir}: the weights take ${mebibytes(weights)}, and a cache of ${cacheTokens} tokens ${mebibytes(cache)}; together ` +
      `at most ${mebibytes(MAX_BYTES)} can be addressed: use a smaller cache (fewer or shorter requests), a smaller model, or more ranks of tensor parallelism (--tp)`,
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
