import type { ModelConfig } from '../config.ts';
import type { Kernels } from '../kernels/kernels.ts';

/** The keys and values of one layer, in blocks of positions. */
export interface LayerCache {
  /** f32 [numBlocks, numKeyValueHeads, headDim, blockSize] */
  readonly keys: Float32Array;
  /** f32 [numBlocks, numKeyValueHeads, blockSize, headDim] */
  readonly values: Float32Array;
}

/**
 * Memory for the keys and values of `numBlocks · blockSize` positions, reserved once. Block tables assign it
 * to sequences.
 */
export class KvCache {
  readonly blockSize: number;
  readonly numBlocks: number;
  readonly layers: readonly LayerCache[];

  constructor(
    kernels: Kernels,
    config: ModelConfig,
    { blockSize, numBlocks }: { blockSize: number; numBlocks: number },
  ) {
    this.blockSize = blockSize;
    this.numBlocks = numBlocks;
    const length = numBlocks * config.numKeyValueHeads * config.headDim * blockSize;
    this.layers = Array.from({ length: config.numHiddenLayers }, () => ({
      keys: kernels.allocate(length),
      values: kernels.allocate(length),
    }));
  }

  /** Copies the keys and values of a block, in all layers. */
  copyBlock(from: number, to: number): void {
    for (const { keys, values } of this.layers) {
      const length = keys.length / this.numBlocks;
      for (const part of [keys, values]) part.copyWithin(to * length, from * length, (from + 1) * length);
    }
  }
}

/** Bytes of the cache for each position: keys and values of every layer, f32. */
export function cacheBytesPerToken(config: ModelConfig): number {
  return (
    config.numHiddenLayers * 2 * config.numKeyValueHeads * config.headDim * Float32Array.BYTES_PER_ELEMENT
  );
}
