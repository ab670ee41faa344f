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
