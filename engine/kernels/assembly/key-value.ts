/** Writes k and v, [rows, heads, headDim], of the positions from `startPosition` on into the cache. */
export function storeKeyValue(
  k: usize,
  v: usize,
  keys: usize,
  values: usize,
  blockTable: usize,
  blockSize: usize,
  rows: usize,
  startPosition: usize,
  heads: usize,
  headDim: usize,
): void {
  const headBytes = headDim * sizeof<f32>();
  for (let position = startPosition; position < startPosition + rows; position++) {
    const block = <usize>load<u32>(blockTable + (position / blockSize) * sizeof<u32>());
    const slot = position % blockSize;
    for (let head: usize = 0; head < heads; head++) {
      const inCache = (block * heads + head) * headBytes * blockSize;
      let key = keys + inCache + slot * sizeof<f32>();
      for (let d: usize = 0; d < headBytes; d += sizeof<f32>()) {
        store<f32>(key, load<f32>(k + d));
        key += blockSize * sizeof<f32>();
      }
      memory.copy(values + inCache + slot * headBytes, v, headBytes);
      k += headBytes;
      v += headBytes;
    }
  }
}
