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
 */
export function sumTree(parts: readonly Float32Array[], out: Float32Array): void {
  const half = parts.length / 2;
  for (let step = 1; step < half; step *= 2) {
    for (let p = 0; p < parts.length; p += 2 * step) add(parts[p], parts[p + step], parts[p]);
  }
  if (parts.length > 1) add(parts[0], parts[half], out);
  else if (parts[0] !== out) out.set(parts[0]);
}

/** An f64 sum of two f32, rounded to f32 by the store, is the f32 sum: 53 bits are more than twice 24. */
function add(left: Float32Array, right: Float32Array, out: Float32Array): void {
  const n = out.length;
  for (let i = 0; i < n; i++) out[i] = left[i] + right[i];
}
