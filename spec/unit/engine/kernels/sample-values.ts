import type { SampleSize, SampleValues } from '../../../../engine/kernels/samples.ts';
import { arrayOf, type Flavour, weightsOf } from './arrays.ts';

/** Small, with a last panel, a last strip and a last vector that are not full. */
export const SMALL_SAMPLE: SampleSize = {
  rows: 3,
  inputs: 21,
  outputs: 37,
  numKeyValueHeads: 2,
  headsPerKey: 3,
  halfHeadDim: 5,
  blockSize: 3,
  startPosition: 4,
};

/**
 * Sizes of the real models, one at a time: heads of 128, positions beyond 1,024 and 4,096, blocks beyond 32,
 * a second and a third block of rows, which begins beyond 256, inputs beyond 4,096 with a last leaf that is
 * shorter.
 */
export const REAL_SAMPLES: readonly SampleSize[] = [
  { rows: 2, startPosition: 1_023, blockSize: 64, halfHeadDim: 64, inputs: 4_109, outputs: 17 },
  { rows: 1, startPosition: 4_129, blockSize: 40, halfHeadDim: 8, inputs: 4_101, outputs: 33 },
  { rows: 7, startPosition: 90, blockSize: 48, halfHeadDim: 64, inputs: 1_025, outputs: 85 },
  { rows: 257, startPosition: 0, blockSize: 16, halfHeadDim: 8, inputs: 72, outputs: 18 },
  { rows: 520, startPosition: 5, blockSize: 64, halfHeadDim: 4, inputs: 25, outputs: 85 },
].map((size) => ({ ...size, numKeyValueHeads: 1, headsPerKey: 2 }));

/** Reproducible values for the arrays of a sample, each array with others. */
export function sampleValues(seed: number, flavour: Flavour = 'plain'): SampleValues {
  let next = seed;
  return {
    floats: (length) => arrayOf(length, next++, flavour),
    weights({ outputs, inputs, dtype }) {
      const bytes = weightsOf(outputs * inputs, next++, flavour, dtype);
      const rowBytes = bytes.length / outputs;
      return (row, rows) => bytes.subarray(row * rowBytes, (row + rows) * rowBytes);
    },
  };
}
