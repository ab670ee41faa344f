import { argument } from './job';

/**
 * Writes the rows first … last of k and v, [rows, heads, headDim], into the cache. The arguments are k, v, keys, values,
 * blockTable, blockSize, the position of row 0, heads, headDim.
 */
export function storeKeyValue(job: usize, first: usize, last: usize): void {
  const keys = argument(job, 2);
  const values = argument(job, 3);
  const blockTable = argument(job, 4);
  const blockSize = argument(job, 5);
  const startPosition = argument(job, 6);
  const heads = argument(job, 7);
  const headBytes = argument(job, 8) * sizeof<f32>();
  let k = argument(job, 0) + first * heads * headBytes;
  let v = argument(job, 1) + first * heads * headBytes;
  for (let position = startPosition + first; position < startPosition + last; position++) {
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
