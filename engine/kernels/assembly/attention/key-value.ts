import { StoreKeyValueArguments } from '../../abi';

/** Writes the rows first … last of k and v into the cache. */
export function storeKeyValue(args: StoreKeyValueArguments, first: usize, last: usize): void {
  const keys = <usize>args.keys;
  const values = <usize>args.values;
  const slots = <usize>args.slots;
  const blockSize = <usize>args.blockSize;
  const heads = <usize>args.numKeyValueHeads;
  const headBytes = <usize>args.headDim * sizeof<f32>();
  let k = <usize>args.k + first * heads * headBytes;
  let v = <usize>args.v + first * heads * headBytes;
  for (let row = first; row < last; row++) {
    const cacheSlot = <usize>load<u32>(slots + row * sizeof<u32>());
    const block = cacheSlot / blockSize;
    const slot = cacheSlot % blockSize;
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
