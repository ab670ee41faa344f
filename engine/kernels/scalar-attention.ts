import { checkAttention, checkStoreKeyValue } from './checks.ts';
import { exponentials } from './exp.ts';
import { fusedMultiplyAdd } from './fused.ts';
import type { AttentionArgs, Kernels, StoreKeyValueArgs } from './kernels.ts';

const f = Math.fround;

/** The arguments that locate a position in the cache. */
type CacheAddress = Omit<StoreKeyValueArgs, 'k' | 'v'>;

/** The index of dimension d of a position's key in {@link AttentionArgs.keys}. */
function keyIndex(args: CacheAddress, position: number, head: number, d: number): number {
  const { blockTable, blockSize, numKeyValueHeads, headDim } = args;
  const block = blockTable[Math.floor(position / blockSize)];
  return ((block * numKeyValueHeads + head) * headDim + d) * blockSize + (position % blockSize);
}

/** The index of dimension d of a position's value in {@link AttentionArgs.values}. */
function valueIndex(args: CacheAddress, position: number, head: number, d: number): number {
  const { blockTable, blockSize, numKeyValueHeads, headDim } = args;
  const block = blockTable[Math.floor(position / blockSize)];
  return ((block * numKeyValueHeads + head) * blockSize + (position % blockSize)) * headDim + d;
}

/** {@link Kernels.storeKeyValue} in plain TypeScript. */
export function storeKeyValue(args: StoreKeyValueArgs): void {
  checkStoreKeyValue(args);
  const { rows, startPosition, numKeyValueHeads, headDim, k, v, keys, values } = args;
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < numKeyValueHeads; head++) {
      for (let d = 0; d < headDim; d++) {
        const from = (row * numKeyValueHeads + head) * headDim + d;
        keys[keyIndex(args, startPosition + row, head, d)] = k[from];
        values[valueIndex(args, startPosition + row, head, d)] = v[from];
      }
    }
  }
}

/** {@link Kernels.attention} in plain TypeScript. */
export function attention(args: AttentionArgs): void {
  checkAttention(args, 1);
  const { rows, startPosition, numAttentionHeads, numKeyValueHeads, headDim } = args;
  const { q, out, keys, values, scores } = args;
  const scale = f(args.scale);
  const headsPerKey = numAttentionHeads / numKeyValueHeads;
  for (let row = 0; row < rows; row++) {
    const numPositions = startPosition + row + 1;
    for (let head = 0; head < numAttentionHeads; head++) {
      const keyHead = Math.floor(head / headsPerKey);
      const from = (row * numAttentionHeads + head) * headDim;
      for (let t = 0; t < numPositions; t++) {
        let score = 0;
        for (let d = 0; d < headDim; d++)
          score = fusedMultiplyAdd(q[from + d], keys[keyIndex(args, t, keyHead, d)], score);
        scores[t] = f(score * scale);
      }
      const denominator = exponentials(scores, numPositions);
      for (let d = 0; d < headDim; d++) {
        let sum = 0;
        for (let t = 0; t < numPositions; t++)
          sum = fusedMultiplyAdd(scores[t], values[valueIndex(args, t, keyHead, d)], sum);
        out[from + d] = f(sum / denominator);
      }
    }
  }
}
