import { checkAttention, checkStoreKeyValue } from './checks.ts';
import { exponentials } from './exp.ts';
import { fusedMultiplyAdd } from './fused.ts';
import type { AttentionArgs, AttentionSequence, CacheArgs, StoreKeyValueArgs } from './kernels.ts';

const f = Math.fround;

/** The index of dimension d of the key in a slot of {@link CacheArgs.keys}. */
function keyIndex(args: CacheArgs, cacheSlot: number, head: number, d: number): number {
  const { blockSize, numKeyValueHeads, headDim } = args;
  const block = Math.floor(cacheSlot / blockSize);
  return ((block * numKeyValueHeads + head) * headDim + d) * blockSize + (cacheSlot % blockSize);
}

/** The index of dimension d of the value in a slot of {@link CacheArgs.values}. */
function valueIndex(args: CacheArgs, cacheSlot: number, head: number, d: number): number {
  const { blockSize, numKeyValueHeads, headDim } = args;
  const block = Math.floor(cacheSlot / blockSize);
  return ((block * numKeyValueHeads + head) * blockSize + (cacheSlot % blockSize)) * headDim + d;
}

/** Where a sequence has a position, see {@link StoreKeyValueArgs.slots}. */
function slotOf({ blockTable }: AttentionSequence, position: number, blockSize: number): number {
  return blockTable[Math.floor(position / blockSize)] * blockSize + (position % blockSize);
}

/** {@link Kernels.storeKeyValue} in plain TypeScript. */
export function storeKeyValue(args: StoreKeyValueArgs): void {
  checkStoreKeyValue(args);
  const { rows, slots, numKeyValueHeads, headDim, k, v, keys, values } = args;
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < numKeyValueHeads; head++) {
      for (let d = 0; d < headDim; d++) {
        const from = (row * numKeyValueHeads + head) * headDim + d;
        keys[keyIndex(args, slots[row], head, d)] = k[from];
        values[valueIndex(args, slots[row], head, d)] = v[from];
      }
    }
  }
}

/** {@link Kernels.attention} in plain TypeScript. */
export function attention(args: AttentionArgs): void {
  checkAttention(args, 1);
  let first = 0;
  for (const sequence of args.sequences) {
    for (let row = 0; row < sequence.rows; row++) {
      for (let head = 0; head < args.numAttentionHeads; head++) {
        attendHead(args, sequence, row, head, (first + row) * args.numAttentionHeads + head);
      }
    }
    first += sequence.rows;
  }
}

/** @param index of the row and head in q and out. */
function attendHead(
  args: AttentionArgs,
  sequence: AttentionSequence,
  row: number,
  head: number,
  index: number,
): void {
  const { q, out, keys, values, scores, blockSize, numAttentionHeads, numKeyValueHeads, headDim } = args;
  const scale = f(args.scale);
  const keyHead = Math.floor(head / (numAttentionHeads / numKeyValueHeads));
  const numPositions = sequence.startPosition + row + 1;
  const from = index * headDim;
  const slots = Array.from({ length: numPositions }, (_, t) => slotOf(sequence, t, blockSize));
  for (let t = 0; t < numPositions; t++) {
    let score = 0;
    for (let d = 0; d < headDim; d++)
      score = fusedMultiplyAdd(q[from + d], keys[keyIndex(args, slots[t], keyHead, d)], score);
    scores[t] = f(score * scale);
  }
  const denominator = exponentials(scores, numPositions);
  for (let d = 0; d < headDim; d++) {
    let sum = 0;
    for (let t = 0; t < numPositions; t++)
      sum = fusedMultiplyAdd(scores[t], values[valueIndex(args, slots[t], keyHead, d)], sum);
    out[from + d] = f(sum / denominator);
  }
}
