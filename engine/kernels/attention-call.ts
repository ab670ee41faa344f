import { ATTENTION, ATTENTION_TILED, QUERIES } from './constants.ts';
import { type AttentionArgs, scoresLength } from './kernels.ts';
import type { KernelCall } from './pool.ts';

/**
 * The largest head, and the largest block of the cache, for the tiles of attention: a thread's scratch memory has room for
 * 128 bytes of the one and 16 of the other, and denominators.
 */
const MAX_TILED = 256;

/** Finds the address of an array, which it calls by the name. */
export type AddressOf = (name: string, view: ArrayBufferView) => number;

/**
 * Attention as a call of the compiled kernels: in tiles where heads and blocks are whole vectors of eight, as models have
 * them, else by the plain kernel for any size.
 */
export function attentionCall(args: AttentionArgs, threads: number, at: AddressOf): KernelCall {
  const { blockSize, rows, startPosition, numAttentionHeads, numKeyValueHeads, headDim, scores } = args;
  const queriesPerKey = (rows * numAttentionHeads) / numKeyValueHeads;
  const isTiled = headDim % 8 === 0 && blockSize % 8 === 0 && Math.max(headDim, blockSize) <= MAX_TILED;
  const positions = rows * (startPosition + (rows + 1) / 2);
  return {
    ...(isTiled
      ? { kernel: ATTENTION_TILED, units: numKeyValueHeads * Math.ceil(queriesPerKey / QUERIES) }
      : { kernel: ATTENTION, units: rows * numAttentionHeads }),
    grain: 1,
    args: [
      at('attention: q', args.q),
      at('attention: out', args.out),
      at('attention: keys', args.keys),
      at('attention: values', args.values),
      at('attention: blockTable', args.blockTable),
      blockSize,
      startPosition,
      numAttentionHeads,
      numKeyValueHeads,
      headDim,
      at('attention: scores', scores),
      (scoresLength(threads, startPosition + rows) / threads) * Float32Array.BYTES_PER_ELEMENT,
      rows,
    ],
    factor: args.scale,
    work: 2 * positions * numAttentionHeads * headDim,
  };
}
