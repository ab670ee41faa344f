import { attend } from './attend.ts';
import { rmsNorm } from './rms-norm.ts';
import type { Taps } from './tapped-kernels.ts';

const EMBEDDING = 'model.embed_tokens.weight';

/** Reverses each row of a matrix in place. */
function reverseRows(values: Float32Array, width: number): void {
  for (let begin = 0; begin < values.length; begin += width) values.subarray(begin, begin + width).reverse();
}

/**
 * An honest f32 engine that adds in another order: every sum of a matmul runs backwards, attention and
 * RMSNorm are computed in f64. What it differs by is the noise of f32.
 */
export function reorderedSums(): Taps {
  return {
    // The embedding is also read row by row, so it stays as it is.
    weights(name, rows, inputs) {
      if (name !== EMBEDDING) reverseRows(rows, inputs);
    },
    matmul({ stored, x, rows, matrix, compute }) {
      if (stored === EMBEDDING) return compute();
      const input = x.subarray(0, rows * matrix.inputs);
      reverseRows(input, matrix.inputs);
      compute();
      reverseRows(input, matrix.inputs);
    },
    rmsNorm: (call) => rmsNorm(call, call.weight, call.eps),
    attention: (call) => attend(call),
  };
}
