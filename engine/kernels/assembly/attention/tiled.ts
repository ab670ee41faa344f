import { AttentionArguments } from '../../abi';
import { halfTile, onwardTile } from '../matmul/half-tile';
import { QUERIES, STRIP } from '../sizes';
import { exponentials } from './softmax';

/** Bytes of the sums of a half tile, f32 [4, 16]. */
const SUMS_BYTES: usize = 256;

/**
 * The attention of attention.ts for a headDim and a blockSize that are multiples of 8: the queries that
 * share a key head, four at a time, are the rows of a half tile, and a block of the cache is its weights,
 * once for the scores and once for the values. A unit is QUERIES queries of a key head, so that memory is
 * read once for all of them.
 */
export function attentionTiled(
  args: AttentionArguments,
  first: usize,
  last: usize,
  scratch: usize,
  thread: usize,
): void {
  const headDim = <usize>args.headDim;
  const queries = (<usize>args.rows * <usize>args.numAttentionHeads) / <usize>args.numKeyValueHeads;
  const scores = <usize>args.scores + thread * <usize>args.scoresBytes;
  const units = (queries + QUERIES - 1) / QUERIES;
  for (let unit = first; unit < last; unit++) {
    const keyHead = unit / units;
    const query = (unit % units) * QUERIES;
    const count = min(QUERIES, queries - query);
    score(args, keyHead, query, count, scratch, scores);
    addValues(args, keyHead, query, count, scratch + headDim * QUERIES * 8, scratch, scores);
  }
}

/** The scaled scores of all queries over the positions that the last query sees, f32 [queries, positions]. */
function score(
  args: AttentionArguments,
  keyHead: usize,
  query: usize,
  count: usize,
  scratch: usize,
  scores: usize,
): void {
  const q = <usize>args.q;
  const blockTable = <usize>args.blockTable;
  const blockSize = <usize>args.blockSize;
  const keyHeads = <usize>args.numKeyValueHeads;
  const headDim = <usize>args.headDim;
  const scoresBytes = <usize>args.scoresBytes / QUERIES;
  const scale = f32x4.splat(<f32>args.scale);
  const blockBytes = keyHeads * headDim * blockSize * sizeof<f32>();
  const keys = <usize>args.keys + keyHead * headDim * blockSize * sizeof<f32>();
  const sums = scratch;
  const strips = scratch + SUMS_BYTES;
  const stripBytes = headDim * 16;
  for (let i: usize = 0; i < count; i++) {
    const width = min(STRIP, count - (i / STRIP) * STRIP);
    const to = strips + (i / STRIP) * stripBytes + (i % STRIP) * 4;
    spread(q + queryIndex(args, keyHead, query + i) * headDim * 4, headDim, to, width * 4);
  }
  const most = seen(args, query + count - 1);
  for (let t: usize = 0; t < most; t += blockSize) {
    const key = keys + <usize>load<u32>(blockTable + (t / blockSize) * 4) * blockBytes;
    for (let slot: usize = 0; slot < min(blockSize, most - t); slot += 8) {
      for (let first: usize = 0; first < count; first += STRIP) {
        const width = min(STRIP, count - first);
        const strip = strips + (first / STRIP) * stripBytes;
        halfTile(width, strip, strip + headDim * width * 4, key + slot * 4, blockSize * 4, sums);
        let to = scores + first * scoresBytes + (t + slot) * 4;
        for (let i: usize = 0; i < width * 64; i += 64) {
          v128.store(to, f32x4.mul(v128.load(sums + i), scale));
          v128.store(to, f32x4.mul(v128.load(sums + i, 16), scale), 16);
          to += scoresBytes;
        }
      }
    }
  }
}

/**
 * Softmax of the scores, and the sums of the values weighted by it.
 *
 * @param sums f32 [strips, headDim / 8, 4, 16] @param strip for the weights of a block, f32 [blockSize, 4],
 * and denominators
 */
function addValues(
  args: AttentionArguments,
  keyHead: usize,
  query: usize,
  count: usize,
  strip: usize,
  sums: usize,
  scores: usize,
): void {
  const out = <usize>args.out;
  const blockTable = <usize>args.blockTable;
  const blockSize = <usize>args.blockSize;
  const keyHeads = <usize>args.numKeyValueHeads;
  const headDim = <usize>args.headDim;
  const headBytes = headDim * sizeof<f32>();
  const scoresBytes = <usize>args.scoresBytes / QUERIES;
  const blockBytes = keyHeads * headBytes * blockSize;
  const values = <usize>args.values + keyHead * headBytes * blockSize;
  const sumsBytes = (headDim / 8) * SUMS_BYTES;
  const denominators = strip + blockSize * 16;
  for (let i: usize = 0; i < count; i++) {
    store<f32>(denominators + i * 4, exponentials(scores + i * scoresBytes, seen(args, query + i)));
  }
  memory.fill(sums, 0, ((count + STRIP - 1) / STRIP) * sumsBytes);
  // Values that all queries see are added block by block; those that only some see, position by position.
  const least = seen(args, query);
  for (let t: usize = 0; t < least; t += blockSize) {
    const length = min(blockSize, least - t);
    const value = values + <usize>load<u32>(blockTable + (t / blockSize) * 4) * blockBytes;
    for (let first: usize = 0; first < count; first += STRIP) {
      const width = min(STRIP, count - first);
      for (let i: usize = 0; i < width; i++) {
        spread(scores + (first + i) * scoresBytes + t * 4, length, strip + i * 4, width * 4);
      }
      let to = sums + (first / STRIP) * sumsBytes;
      for (let d: usize = 0; d < headBytes; d += 32) {
        onwardTile(width, strip, strip + length * width * 4, value + d, headBytes, to);
        to += SUMS_BYTES;
      }
    }
  }
  for (let i: usize = 0; i < count; i++) {
    const own = sums + (i / STRIP) * sumsBytes + (i % STRIP) * 64;
    const end = seen(args, query + i);
    for (let t = least; t < end; t++) {
      const block = <usize>load<u32>(blockTable + (t / blockSize) * 4);
      const value = values + block * blockBytes + (t % blockSize) * headBytes;
      addValue(load<f32>(scores + i * scoresBytes + t * 4), value, headBytes, own);
    }
    const to = out + queryIndex(args, keyHead, query + i) * headBytes;
    divide(own, headBytes, load<f32>(denominators + i * 4), to);
  }
}

/** How many positions a query of a key head sees. */
function seen(args: AttentionArguments, query: usize): usize {
  const row = (query * <usize>args.numKeyValueHeads) / <usize>args.numAttentionHeads;
  return <usize>args.startPosition + row + 1;
}

/** The index of a query of a key head in [rows, heads]. */
function queryIndex(args: AttentionArguments, keyHead: usize, query: usize): usize {
  const heads = <usize>args.numAttentionHeads;
  const group = heads / <usize>args.numKeyValueHeads;
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
