import { KernelError } from '../errors.ts';
import {
  type AttentionArgs,
  type AttentionSequence,
  type CacheArgs,
  type PackedMatrix,
  type RmsNormArgs,
  type RopeArgs,
  type StoreKeyValueArgs,
  scoresLength,
  tablesLength,
} from './kernels.ts';
import { LEAVES } from './numerics.ts';
import { type MatrixShape, packedBytes } from './pack.ts';

// Checks of a kernel's arguments before it runs: in WebAssembly a wrong length would not fail but read or
// write another array. The names are constants, so a check that passes builds no string.

type Sized = ArrayLike<number>;

/** What an argument has to hold, at least. */
interface Needed {
  readonly shape: string;
  readonly values: number;
}

/** @throws KernelError unless the value is a whole number of at least `least`. */
function requireWhole(kernel: string, name: string, value: number, least = 0): void {
  if (!Number.isInteger(value) || value < least) {
    throw new KernelError(`${kernel}: ${name} is ${value}, expected a whole number of at least ${least}`);
  }
}

function requireLength(kernel: string, name: string, { length }: Sized, needed: Needed): void {
  if (length < needed.values) {
    throw new KernelError(
      `${kernel}: ${name} holds ${length} values, expected at least ${needed.values}: ${needed.shape}`,
    );
  }
}

export function checkAllocate(length: number): void {
  requireWhole('allocate', 'length', length);
}

export function checkPack({ outputs, inputs, leaves = LEAVES }: MatrixShape): void {
  requireWhole('pack', 'outputs', outputs, 1);
  requireWhole('pack', 'inputs', inputs, 1);
  const isPart = leaves === 1 || leaves === 2 || leaves === 4;
  if (leaves !== LEAVES && !(isPart && inputs % leaves === 0)) {
    throw new KernelError(
      `pack: ${leaves} leaves of ${inputs} inputs, expected ${LEAVES}, or a part of them (1, 2, 4) that divides the inputs`,
    );
  }
}

function checkMatrix(kernel: string, matrix: PackedMatrix): void {
  const needed = packedBytes(matrix);
  if (matrix.panels.length !== needed) {
    throw new KernelError(
      `${kernel}: a packed ${matrix.dtype} matrix [${matrix.outputs}, ${matrix.inputs}] has ${matrix.panels.length} bytes, expected ${needed}; make it with pack()`,
    );
  }
}

export function checkMatmul(x: Sized, rows: number, matrix: PackedMatrix, y: Sized): void {
  requireWhole('matmul', 'rows', rows);
  checkMatrix('matmul', matrix);
  requireLength('matmul', 'x', x, { shape: '[rows, inputs]', values: rows * matrix.inputs });
  requireLength('matmul', 'y', y, { shape: '[rows, outputs]', values: rows * matrix.outputs });
}

export function checkGather(matrix: PackedMatrix, ids: Sized, y: Sized): void {
  checkMatrix('gather', matrix);
  requireLength('gather', 'y', y, { shape: '[ids, inputs]', values: ids.length * matrix.inputs });
  for (let i = 0; i < ids.length; i++) {
    if (!Number.isInteger(ids[i]) || ids[i] < 0 || ids[i] >= matrix.outputs) {
      throw new KernelError(
        `gather: ids[${i}] is ${ids[i]}, expected a whole number of 0 … ${matrix.outputs - 1}`,
      );
    }
  }
}

export function checkRmsNorm({ x, rows, weight, y }: RmsNormArgs): void {
  requireWhole('rmsNorm', 'rows', rows);
  requireWhole('rmsNorm', 'width, the length of weight,', weight.length, 1);
  requireLength('rmsNorm', 'x', x, { shape: '[rows, width]', values: rows * weight.length });
  requireLength('rmsNorm', 'y', y, { shape: '[rows, width]', values: rows * weight.length });
}

export function checkRope({ x, rows, heads, headDim, cos, sin }: RopeArgs): void {
  requireWhole('rope', 'rows', rows);
  requireWhole('rope', 'heads', heads);
  requireWhole('rope', 'half of headDim', headDim / 2, 1);
  requireLength('rope', 'x', x, { shape: '[rows, heads, headDim]', values: rows * heads * headDim });
  requireLength('rope', 'cos', cos, { shape: '[rows, headDim / 2]', values: (rows * headDim) / 2 });
  requireLength('rope', 'sin', sin, { shape: '[rows, headDim / 2]', values: (rows * headDim) / 2 });
}

/** @returns the number of the cache's blocks. */
function checkCache(
  kernel: string,
  { blockSize, numKeyValueHeads, headDim, keys, values }: CacheArgs,
): number {
  requireWhole(kernel, 'blockSize', blockSize, 1);
  requireWhole(kernel, 'numKeyValueHeads', numKeyValueHeads, 1);
  requireWhole(kernel, 'half of headDim', headDim / 2, 1);
  return Math.floor(Math.min(keys.length, values.length) / (blockSize * numKeyValueHeads * headDim));
}

export function checkStoreKeyValue(args: StoreKeyValueArgs): void {
  const { rows, slots, numKeyValueHeads, headDim } = args;
  const numSlots = checkCache('storeKeyValue', args) * args.blockSize;
  requireWhole('storeKeyValue', 'rows', rows);
  const needed = rows * numKeyValueHeads * headDim;
  requireLength('storeKeyValue', 'k', args.k, { shape: '[rows, numKeyValueHeads, headDim]', values: needed });
  requireLength('storeKeyValue', 'v', args.v, { shape: '[rows, numKeyValueHeads, headDim]', values: needed });
  requireLength('storeKeyValue', 'slots', slots, { shape: '[rows]', values: rows });
  for (let row = 0; row < rows; row++) {
    if (slots[row] < 0 || slots[row] >= numSlots) {
      throw new KernelError(
        `storeKeyValue: slots[${row}] is ${slots[row]}, expected one of the cache's ${numSlots} slots`,
      );
    }
  }
}

/** @param threads number of threads, each with scores of its own */
export function checkAttention(args: AttentionArgs, threads: number): void {
  const numBlocks = checkCache('attention', args);
  const { sequences, blockSize, numAttentionHeads, numKeyValueHeads, headDim } = args;
  requireWhole('attention', 'numAttentionHeads / numKeyValueHeads', numAttentionHeads / numKeyValueHeads, 1);
  let rows = 0;
  let positions = 0;
  let blocks = 0;
  for (let i = 0; i < sequences.length; i++) {
    const sequence = sequences[i];
    requireSequence(i, sequence, blockSize, numBlocks);
    rows += sequence.rows;
    positions = Math.max(positions, sequence.startPosition + sequence.rows);
    blocks += sequence.blockTable.length;
  }
  const shape = '[rows, numAttentionHeads, headDim]';
  const values = rows * numAttentionHeads * headDim;
  requireLength('attention', 'q', args.q, { shape, values });
  requireLength('attention', 'out', args.out, { shape, values });
  requireLength('attention', 'scores', args.scores, {
    shape: 'scoresLength(threads, the most positions)',
    values: scoresLength(threads, positions),
  });
  requireLength('attention', 'tables', args.tables, {
    shape: 'tablesLength(sequences, their blocks)',
    values: tablesLength(sequences.length, blocks),
  });
}

function requireSequence(
  index: number,
  { rows, startPosition, blockTable }: AttentionSequence,
  blockSize: number,
  numBlocks: number,
): void {
  const which = `of sequence ${index}`;
  requireWhole('attention', `rows ${which}`, rows);
  requireWhole('attention', `startPosition ${which}`, startPosition);
  const used = Math.ceil((startPosition + rows) / blockSize);
  const needed = { shape: 'a block for every position', values: used };
  requireLength('attention', `blockTable ${which}`, blockTable, needed);
  for (let i = 0; i < used; i++) {
    if (!Number.isInteger(blockTable[i]) || blockTable[i] < 0 || blockTable[i] >= numBlocks) {
      throw new KernelError(
        `attention: blockTable[${i}] ${which} is ${blockTable[i]}, expected one of the cache's ${numBlocks} blocks`,
      );
    }
  }
}

export function checkElements(kernel: string, a: Sized, b: Sized, length: number): void {
  requireWhole(kernel, 'length', length);
  requireLength(kernel, 'its first array', a, { shape: 'length', values: length });
  requireLength(kernel, 'its second array', b, { shape: 'length', values: length });
}

export function checkArgmax(x: Sized, rows: number, width: number, indices: Sized): void {
  requireWhole('argmax', 'rows', rows);
  requireWhole('argmax', 'width', width, 1);
  requireLength('argmax', 'x', x, { shape: '[rows, width]', values: rows * width });
  requireLength('argmax', 'indices', indices, { shape: '[rows]', values: rows });
}
