import { type AttentionArguments, QUERIES } from './abi.ts';
import { type AttentionArgs, scoresLength } from './kernels.ts';
import type { KernelCall } from './pool.ts';
import { KERNELS } from './table.ts';

/** The largest headDim for attention in tiles: a thread's scratch memory holds queries and sums. */
const MAX_TILED = 256;

/** Returns the address of an array, which its errors call by the name. */
export type AddressOf = (name: string, view: ArrayBufferView) => number;

/** Attention as a call of a compiled kernel: in tiles if headDim and blockSize are multiples of 16. */
export function attentionCall(
  args: AttentionArgs,
  { threads, isWide }: { threads: number; isWide: boolean },
  at: AddressOf,
): KernelCall<AttentionArguments> {
  const { blockSize, rows, startPosition, numAttentionHeads, numKeyValueHeads, headDim } = args;
  const queriesPerKey = (rows * numAttentionHeads) / numKeyValueHeads;
  const isTiled = headDim % 16 === 0 && blockSize % 16 === 0 && headDim <= MAX_TILED;
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
      isWide: Number(isWide),
    },
    work: 2 * positions * numAttentionHeads * headDim,
  };
}
