import { type AttentionArguments, QUERIES } from './abi.ts';
import { type AttentionArgs, scoresLength } from './kernels.ts';
import type { KernelCall } from './pool.ts';
import { KERNELS } from './table.ts';

/**
 * The largest headDim, and the largest blockSize, for attention in tiles: a thread's scratch memory has room
 * for 128 bytes of the one and 16 of the other, and denominators.
 */
const MAX_TILED = 256;

/** Returns the address of an array, which its errors call by the name. */
export type AddressOf = (name: string, view: ArrayBufferView) => number;

/** Attention as a call of a compiled kernel: in tiles if headDim and blockSize are multiples of eight. */
export function attentionCall(
  args: AttentionArgs,
  threads: number,
  at: AddressOf,
): KernelCall<AttentionArguments> {
  const { blockSize, rows, startPosition, numAttentionHeads, numKeyValueHeads, headDim } = args;
  const queriesPerKey = (rows * numAttentionHeads) / numKeyValueHeads;
  const isTiled = headDim % 8 === 0 && blockSize % 8 === 0 && Math.max(headDim, blockSize) <= MAX_TILED;
  const positions = rows * (startPosition + (rows + 1) / 2);
  return {
    ...(isTiled
      ? { kernel: KERNELS.attentionTiled, units: numKeyValueHeads * Math.ceil(queriesPerKey / QUERIES) }
      : { kernel: KERNELS.attention, units: rows * numAttentionHeads }),
    grain: 1,
    args: {
      q: at('attention: q', args.q),
      out: at('attention: out', args.out),
      keys: at('attention: keys', args.keys),
      values: at('attention: values', args.values),
      blockTable: at('attention: blockTable', args.blockTable),
      blockSize,
      rows,
      startPosition,
      numAttentionHeads,
      numKeyValueHeads,
      headDim,
      scale: args.scale,
      scores: at('attention: scores', args.scores),
      scoresBytes: (scoresLength(threads, startPosition + rows) / threads) * Float32Array.BYTES_PER_ELEMENT,
    },
    work: 2 * positions * numAttentionHeads * headDim,
  };
}
