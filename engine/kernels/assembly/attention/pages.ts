/** Positions that are computed together before the next ones: their values stay in the L1 cache. */
const RUN: usize = 64;
/** Bytes of a page of the processor's memory. */
const PAGE: usize = 4096;

/** Positions of a run, in whole blocks. Several heads are read block by block, as they lie in memory. */
export function runLength(blockSize: usize, otherHeads: usize): usize {
  return otherHeads > 0 ? blockSize : max(RUN / blockSize, 1) * blockSize;
}

/**
 * Touches all pages of the positions from … to, so that the processor looks up their addresses at the same
 * time, and not one after the other when they are read.
 *
 * @param first,bytes what is read of a block, in block 0
 */
export function touchPages(
  first: usize,
  bytes: usize,
  blockTable: usize,
  blockBytes: usize,
  from: usize,
  to: usize,
  blockSize: usize,
): void {
  for (let t = from; t < to; t += blockSize) {
    const begin = first + <usize>load<u32>(blockTable + (t / blockSize) * 4) * blockBytes;
    for (let at = begin; at < begin + bytes; at += PAGE) load<u8>(at);
    load<u8>(begin + bytes - 1);
  }
}
