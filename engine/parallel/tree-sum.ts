import type { VectorAdder } from './process-group.ts';

/** Adds in JavaScript, on any memory. */
export const PLAIN_ADDER: VectorAdder = {
  allocate: (length) => new Float32Array(length),
  /** An f64 sum of two f32, rounded to f32 by the store, is the f32 sum: 53 bits are more than twice 24. */
  add(x, y, length) {
    for (let i = 0; i < length; i++) x[i] += y[i];
  },
};

/** Whether partial sums of this many ranks form a balanced tree. */
export function isPowerOfTwo(size: number): boolean {
  return size > 0 && (size & (size - 1)) === 0;
}

/**
 * Adds vectors as the upper levels of the tree in which a matmul adds its leaves: `((p0+p1)+(p2+p3))+…`,
 * each addition rounded to f32.
 *
 * @param parts a power of two of vectors [n]; all of them are scratch.
 * @param out receives the sum [n]; may be one of the parts.
 * @param adder in whose memory the parts lie.
 */
export function sumTree(parts: readonly Float32Array[], out: Float32Array, adder = PLAIN_ADDER): void {
  for (let step = 1; step < parts.length; step *= 2) {
    for (let p = 0; p < parts.length; p += 2 * step) adder.add(parts[p], parts[p + step], out.length);
  }
  if (parts[0] !== out) out.set(parts[0]);
}
