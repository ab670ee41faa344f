const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
/** The index of the lower half of a double. */
const LOW = new Uint8Array(Int32Array.of(1).buffer)[0] === 1 ? 0 : 1;

/**
 * fl(a · b + c) of f32s, rounded once to f32, as a fused multiply-add computes it.
 *
 * The product of two f32s is exact in f64. Their sum is rounded to odd there: if it is inexact, the
 * neighbour with an odd last bit is taken. As f64 has more than two bits beyond f32, rounding that to f32
 * is the same as rounding the exact sum (Boldo & Melquiond 2008).
 */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  const rounded = Math.fround(sum);
  // What the sum lost decides only if it lies halfway between two f32s: then the other one mirrors `rounded`.
  const mirrored = 2 * sum - rounded;
  if (mirrored === rounded || Math.fround(mirrored) !== mirrored) return rounded;
  // TwoSum (Knuth): sum + error is exact. It is NaN beside an infinity, which needs no rounding.
  const part = sum - product;
  const error = product - (sum - part) + (c - part);
  if (error > 0 || error < 0) {
    double[0] = sum;
    if ((words[LOW] & 1) === 0) {
      // Away from 0 if the error has the sum's sign, else towards it.
      if (error > 0 === sum > 0) words[LOW] += 1;
      else {
        if (words[LOW] === 0) words[1 - LOW] -= 1;
        words[LOW] -= 1;
      }
      return Math.fround(double[0]);
    }
  }
  return rounded;
}
