import { halfTile, onwardTile } from './half-tiles';
// biome-ignore lint/style/useImportType: AssemblyScript has no import type.
import { argument, Job } from './job';
import { STRIP } from './sizes';
import { exponentials } from './softmax';

/** Bytes of the sums of a half tile, f32 [4, 16]. */
const SUMS_BYTES: usize = 256;

/**
 * The same as attention.ts, where headDim and blockSize are multiples of 8: the queries that share a key head, four at a
 * time, are the rows of a half tile, and a block of the cache is its weights, once for the scores and once for the values.
 * A unit is a strip of four queries of a key head; the arguments are those of attention.ts, and rows.
 */
export function attentionTiled(job: usize, first: usize, last: usize, scratch: usize, thread: usize): void {
  const q = argument(job, 0);
  const out = argument(job, 1);
  const blockTable = argument(job, 4);
  const blockSize = argument(job, 5);
  const startPosition = argument(job, 6);
  const heads = argument(job, 7);
  const keyHeads = argument(job, 8);
  const headDim = argument(job, 9);
  const scoresBytes = argument(job, 11) / STRIP;
  const scores = argument(job, 10) + thread * argument(job, 11);
  const rows = argument(job, 12);
  const scale = changetype<Job>(job).factor;
  const headBytes = headDim * sizeof<f32>();
  const keyHeadBytes = headBytes * blockSize;
  const blockBytes = keyHeads * keyHeadBytes;
  const group = heads / keyHeads;
  const strips = (rows * group + STRIP - 1) / STRIP;
  const sums = scratch;
  const strip = scratch + headDim * 32;
  for (let unit = first; unit < last; unit++) {
    const keyHead = unit / strips;
    const query = (unit % strips) * STRIP;
    const count = min(STRIP, rows * group - query);
    for (let i: usize = 0; i < count; i++) {
      spread(q + queryIndex(query + i, group, heads, keyHead) * headBytes, headDim, strip + i * 4, count * 4);
    }
    const keys = argument(job, 2) + keyHead * keyHeadBytes;
    // The last query sees the most positions.
    const most = startPosition + (query + count - 1) / group + 1;
    for (let t: usize = 0; t < most; t += blockSize) {
      const key = keys + <usize>load<u32>(blockTable + (t / blockSize) * 4) * blockBytes;
      for (let slot: usize = 0; slot < min(blockSize, most - t); slot += 8) {
        halfTile(count, strip, strip + headDim * count * 4, key + slot * 4, blockSize * 4, sums);
        for (let i: usize = 0; i < count; i++) {
          const to = scores + i * scoresBytes + (t + slot) * 4;
          v128.store(to, f32x4.mul(v128.load(sums + i * 64), f32x4.splat(scale)));
          v128.store(to, f32x4.mul(v128.load(sums + i * 64, 16), f32x4.splat(scale)), 16);
        }
      }
    }
    // What all queries of the strip see is added together; what only some see, one by one.
    const least = startPosition + query / group + 1;
    const values = argument(job, 3) + keyHead * keyHeadBytes;
    memory.fill(sums, 0, headDim * 32);
    const denominators = strip + blockSize * 16;
    for (let i: usize = 0; i < count; i++) {
      const seen = startPosition + (query + i) / group + 1;
      store<f32>(denominators + i * 4, exponentials(scores + i * scoresBytes, seen));
    }
    for (let t: usize = 0; t < least; t += blockSize) {
      const length = min(blockSize, least - t);
      for (let i: usize = 0; i < count; i++) {
        spread(scores + i * scoresBytes + t * 4, length, strip + i * 4, count * 4);
      }
      const value = values + <usize>load<u32>(blockTable + (t / blockSize) * 4) * blockBytes;
      for (let d: usize = 0; d < headBytes; d += 32) {
        onwardTile(
          count,
          strip,
          strip + length * count * 4,
          value + d,
          headBytes,
          sums + d * (SUMS_BYTES / 32),
        );
      }
    }
    for (let i: usize = 0; i < count; i++) {
      const seen = startPosition + (query + i) / group + 1;
      for (let t = least; t < seen; t++) {
        const block = <usize>load<u32>(blockTable + (t / blockSize) * 4);
        const value = values + block * blockBytes + (t % blockSize) * headBytes;
        addValue(load<f32>(scores + i * scoresBytes + t * 4), value, headBytes, sums + i * 64);
      }
      const to = out + queryIndex(query + i, group, heads, keyHead) * headBytes;
      divide(sums + i * 64, headBytes, load<f32>(denominators + i * 4), to);
    }
  }
}

/** Where a query of a key head stands among all, [rows, heads]. */
function queryIndex(query: usize, group: usize, heads: usize, keyHead: usize): usize {
  return (query / group) * heads + keyHead * group + (query % group);
}

/** Copies values to every `stride` bytes. */
function spread(from: usize, length: usize, to: usize, stride: usize): void {
  const end = from + length * sizeof<f32>();
  for (; from < end; from += sizeof<f32>()) {
    store<f32>(to, load<f32>(from));
    to += stride;
  }
}

/** Adds p · v to the sums of one query. */
function addValue(p: f32, value: usize, headBytes: usize, sums: usize): void {
  const w = f32x4.splat(p);
  for (let d: usize = 0; d < headBytes; d += 32) {
    v128.store(sums, f32x4.add(v128.load(sums), f32x4.mul(w, v128.load(value + d))));
    v128.store(sums, f32x4.add(v128.load(sums, 16), f32x4.mul(w, v128.load(value + d, 16))), 16);
    sums += SUMS_BYTES;
  }
}

function divide(sums: usize, headBytes: usize, denominator: f32, out: usize): void {
  const divisor = f32x4.splat(denominator);
  for (let d: usize = 0; d < headBytes; d += 32) {
    v128.store(out + d, f32x4.div(v128.load(sums), divisor));
    v128.store(out + d, f32x4.div(v128.load(sums, 16), divisor), 16);
    sums += SUMS_BYTES;
  }
}
