import { checkAttention, checkStoreKeyValue } from './checks.ts';
import { exponentials } from './exp.ts';
import { fusedMultiplyAdd } from './fused.ts';
import type { AttentionArgs, AttentionSequence, CacheArgs, StoreKeyValueArgs } from './kernels.ts';

const f = Math.fround;

/** The index of the key in a slot of {@link CacheArgs.keys}; its dimensions are `blockSize` apart. */
function keyIndex(args: CacheArgs, cacheSlot: number, head: number): number {
  const { blockSize, numKeyValueHeads, headDim } = args;
  const block = Math.floor(cacheSlot / blockSize);
  return (block * numKeyValueHeads + head) * headDim * blockSize + (cacheSlot % blockSize);
}

/** The index of the value in a slot of {@link CacheArgs.values}; its dimensions follow each other. */
function valueIndex(args: CacheArgs, cacheSlot: number, head: number): number {
  const { blockSize, numKeyValueHeads, headDim } = args;
  const block = Math.floor(cacheSlot / blockSize);
  return ((block * numKeyValueHeads + head) * blockSize + (cacheSlot % blockSize)) * headDim;
}

/** Where a sequence has a position, see {@link StoreKeyValueArgs.slots}. */
function slotOf({ blockTable }: AttentionSequence, position: number, blockSize: number): number {
  return blockTable[Math.floor(position / blockSize)] * blockSize + (position % blockSize);
}

/** {@link Kernels.storeKeyValue} in plain TypeScript. */
export function storeKeyValue(args: StoreKeyValueArgs): void {
  checkStoreKeyValue(args);
  const { rows, slots, numKeyValueHeads, headDim, blockSize, k, v, keys, values } = args;
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < numKeyValueHeads; head++) {
      const from = (row * numKeyValueHeads + head) * headDim;
      const keyAt = keyIndex(args, slots[row], head);
      const valueAt = valueIndex(args, slots[row], head);
      for (let d = 0; d < headDim; d++) {
        keys[keyAt + d * blockSize] = k[from + d];
        values[valueAt + d] = v[from + d];
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
    const keyAt = keyIndex(args, slots[t], keyHead);
    let score = 0;
    for (let d = 0; d < headDim; d++)
      score = fusedMultiplyAdd(q[from + d], keys[keyAt + d * blockSize], score);
    scores[t] = f(score * scale);
  }
  const denominator = exponentials(scores, numPositions);
  const valuesAt = slots.map((slot) => valueIndex(args, slot, keyHead));
  for (let d = 0; d < headDim; d++) {
    let sum = 0;
    for (let t = 0; t < numPositions; t++) sum = fusedMultiplyAdd(scores[t], values[valuesAt[t] + d], sum);
    out[from + d] = f(sum / denominator);
  }
}
