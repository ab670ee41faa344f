import type { WeightDtype } from '../config.ts';
import { PANEL } from './abi.ts';
import { type Kernels, type ReadRows, scoresLength, tablesLength } from './kernels.ts';
import { bytesPerWeight } from './widen.ts';

/** The size of a sample; a kernel uses the numbers that it needs. */
export interface SampleSize {
  /** At least 1. */
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly numKeyValueHeads: number;
  /** numAttentionHeads / numKeyValueHeads. */
  readonly headsPerKey: number;
  /**
   * Half of headDim; attention in tiles rounds headDim up to a multiple of 16, attention without makes it 4
   * more than one.
   */
  readonly halfHeadDim: number;
  /** Attention in tiles rounds it up to a multiple of 16. */
  readonly blockSize: number;
  readonly startPosition: number;
}

/** Values for the arrays of a sample. */
export interface SampleValues {
  floats(length: number): Float32Array;
  weights(shape: { outputs: number; inputs: number; dtype: WeightDtype }): ReadRows;
}

/** A call of a method of {@link Kernels} on arrays of their memory. */
export interface Sample {
  run(): void;
  /** Arrays that run() writes, and some values behind, which it must leave alone. */
  readonly written: readonly (Float32Array | Uint8Array)[];
  /** Bytes that one run reads and writes in the largest arrays. */
  readonly bytes: number;
  /** Multiplications and additions of one run. */
  readonly flops: number;
}

/** Makes a call that runs a certain kernel, where the kernels are those of `wasm.ts`. */
export type MakeSample = (kernels: Kernels, size: SampleSize, values: SampleValues) => Sample;

const FLOAT = Float32Array.BYTES_PER_ELEMENT;
/** Values behind an array that is written. */
const TAIL = 5;

function put(kernels: Kernels, values: Float32Array): Float32Array {
  const array = kernels.allocate(values.length);
  array.set(values);
  return array;
}

export function matmulSample(dtype: WeightDtype): MakeSample {
  return (kernels, { rows, inputs, outputs }, values) => {
    const shape = { outputs, inputs, dtype };
    const matrix = kernels.pack(shape, values.weights(shape));
    const x = put(kernels, values.floats(rows * inputs));
    const y = put(kernels, values.floats(rows * outputs + TAIL));
    return {
      run: () => kernels.matmul(x, rows, matrix, y),
      written: [y],
      bytes: outputs * inputs * bytesPerWeight(dtype),
      flops: 2 * rows * outputs * inputs,
    };
  };
}

/** A matmul of at least two rows, whose rows are packed into strips, and of a single panel. */
export const packRowsSample: MakeSample = (kernels, size, values) => {
  const rows = size.rows + 1;
  const sample = matmulSample('F32')(kernels, { ...size, rows, outputs: 1 }, values);
  return { ...sample, bytes: 2 * rows * size.inputs * FLOAT };
};

/** Each run takes new memory. */
export function packPanelsSample(dtype: WeightDtype): MakeSample {
  return (kernels, { inputs, outputs }, values) => {
    const shape = { outputs, inputs, dtype };
    const readRows = values.weights(shape);
    const written: Uint8Array[] = [];
    const run = () => {
      written[0] = kernels.pack(shape, readRows).panels;
    };
    return { run, written, bytes: 2 * outputs * inputs * bytesPerWeight(dtype), flops: 0 };
  };
}

export function gatherSample(dtype: WeightDtype): MakeSample {
  return (kernels, { rows, inputs, outputs }, values) => {
    const shape = { outputs, inputs, dtype };
    const matrix = kernels.pack(shape, values.weights(shape));
    const ids = Array.from({ length: rows }, (_, i) => (outputs - 1 + 7 * i) % outputs);
    const y = put(kernels, values.floats(rows * inputs + TAIL));
    return {
      run: () => kernels.gather(matrix, ids, y),
      written: [y],
      bytes: rows * inputs * (bytesPerWeight(dtype) + FLOAT),
      flops: 0,
    };
  };
}

const roundUp = (value: number) => Math.ceil(value / PANEL) * PANEL;

/** Keys and values of a number of blocks, and an unused block in front. */
function cacheOf(
  kernels: Kernels,
  { numKeyValueHeads, headDim, blockSize }: SampleSize & { headDim: number },
  numBlocks: number,
  values: SampleValues,
) {
  const length = (numBlocks + 1) * blockSize * numKeyValueHeads * headDim;
  const keys = put(kernels, values.floats(length));
  return { keys, values: put(kernels, values.floats(length)), blockSize, numKeyValueHeads, headDim };
}

/** A sequence of a single row, early in its first block, and one with the rows; they share their blocks. */
export function attentionSample(isTiled: boolean): MakeSample {
  return (kernels, size, values) => {
    const headDim = isTiled ? roundUp(2 * size.halfHeadDim) : roundUp(2 * size.halfHeadDim) + 4;
    const blockSize = isTiled ? roundUp(size.blockSize) : size.blockSize;
    const { rows, startPosition, numKeyValueHeads } = size;
    const numBlocks = Math.ceil((startPosition + rows) / blockSize);
    const cache = cacheOf(kernels, { ...size, headDim, blockSize }, numBlocks, values);
    const numAttentionHeads = numKeyValueHeads * size.headsPerKey;
    const length = (1 + rows) * numAttentionHeads * headDim;
    const blockTable = Array.from({ length: numBlocks }, (_, i) => numBlocks - i);
    const early = startPosition % blockSize;
    const args = {
      ...cache,
      numAttentionHeads,
      sequences: [
        { rows: 1, startPosition: early, blockTable },
        { rows, startPosition, blockTable },
      ],
      q: put(kernels, values.floats(length)),
      out: put(kernels, values.floats(length + TAIL)),
      scale: 1 / Math.sqrt(headDim),
      scores: kernels.allocate(scoresLength(kernels.threads, startPosition + rows)),
      tables: kernels.allocateInt32(tablesLength(2, 2 * numBlocks)),
    };
    const seen = early + 1 + rows * (startPosition + (rows + 1) / 2);
    return {
      run: () => kernels.attention(args),
      written: [args.out],
      bytes: 2 * (early + 1 + startPosition + rows) * numKeyValueHeads * headDim * FLOAT,
      flops: 4 * seen * numAttentionHeads * headDim,
    };
  };
}

/** Rows in descending order of slots, from the end of the cache on. */
export const storeKeyValueSample: MakeSample = (kernels, size, values) => {
  const { rows, startPosition, blockSize } = size;
  const numBlocks = Math.ceil((startPosition + rows) / blockSize);
  const cache = cacheOf(kernels, { ...size, headDim: 2 * size.halfHeadDim }, numBlocks, values);
  const length = rows * size.numKeyValueHeads * cache.headDim;
  const slots = kernels.allocateInt32(rows);
  for (let row = 0; row < rows; row++) slots[row] = (numBlocks + 1) * blockSize - 1 - row;
  const [k, v] = [put(kernels, values.floats(length)), put(kernels, values.floats(length))];
  const args = { ...cache, rows, k, v, slots };
  return {
    run: () => kernels.storeKeyValue(args),
    written: [cache.keys, cache.values],
    bytes: 4 * length * FLOAT,
    flops: 0,
  };
};

export const rmsNormSample: MakeSample = (kernels, { rows, inputs }, values) => {
  const x = put(kernels, values.floats(rows * inputs));
  const weight = put(kernels, values.floats(inputs));
  const y = put(kernels, values.floats(rows * inputs + TAIL));
  return {
    run: () => kernels.rmsNorm({ x, rows, weight, eps: 1e-6, y }),
    written: [y],
    bytes: 2 * rows * inputs * FLOAT,
    flops: 4 * rows * inputs,
  };
};

export const ropeSample: MakeSample = (kernels, { rows, numKeyValueHeads, halfHeadDim }, values) => {
  const length = 2 * rows * numKeyValueHeads * halfHeadDim;
  const x = put(kernels, values.floats(length + TAIL));
  const cos = put(kernels, values.floats(rows * halfHeadDim));
  const sin = put(kernels, values.floats(rows * halfHeadDim));
  return {
    run: () => kernels.rope({ x, rows, heads: numKeyValueHeads, headDim: 2 * halfHeadDim, cos, sin }),
    written: [x],
    bytes: 2 * length * FLOAT,
    flops: 3 * length,
  };
};

/** A sample of `x[i] = f(x[i], y[i])`. */
export function elementwiseSample(
  flops: number,
  run: (kernels: Kernels, x: Float32Array, y: Float32Array, length: number) => void,
): MakeSample {
  return (kernels, { rows, inputs }, values) => {
    const length = rows * inputs;
    const x = put(kernels, values.floats(length + TAIL));
    const y = put(kernels, values.floats(length));
    return {
      run: () => run(kernels, x, y, length),
      written: [x],
      bytes: 3 * length * FLOAT,
      flops: flops * length,
    };
  };
}

export const argmaxSample: MakeSample = (kernels, { rows, inputs }, values) => {
  const x = put(kernels, values.floats(rows * inputs));
  const indices = kernels.allocateInt32(rows + TAIL).fill(-2);
  return {
    run: () => kernels.argmax(x, rows, inputs, indices),
    written: [new Uint8Array(indices.buffer, indices.byteOffset, indices.byteLength)],
    bytes: rows * inputs * FLOAT,
    // A comparison, and a product and a sum that find NaN and infinity.
    flops: 3 * rows * inputs,
  };
};
