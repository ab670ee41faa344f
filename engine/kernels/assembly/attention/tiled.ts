import { AttentionArguments } from '../../abi';
import { Strips } from '../matmul/strips';
import { sumHalf, sumPanel } from '../matmul/tile';
import { Fused } from '../multiply-add';
import { PANEL, QUERIES, TILE_ROWS } from '../sizes';
import { Sequence } from './sequence';
import { exponentials } from './softmax';
import { addValues8, addValues16, ValueRun } from './value-tile';

/** Queries of a unit that a tile takes at once. */
@unmanaged
class QueryStrip {
  /** Its first query in the unit, and how many it has. */
  first!: usize;
  width!: usize;
  /** How many positions its first and its last query see. */
  least!: usize;
  most!: usize;
}

/** Bytes of the sums of a tile, f32 [TILE_ROWS, 16]. */
const SUMS_BYTES: usize = TILE_ROWS * PANEL * sizeof<f32>();
/** Positions whose values are added to all sums of a unit before the next ones: they stay in the L1 cache. */
const RUN: usize = 64;

// Where things lie in a thread's scratch memory behind the table of a unit's strips: the denominators of its
// queries; the run of values being added; the sums of one tile of scores; the queries, f32 [strips][headDim]
// [width]; then the sums of the values, f32 [strips, headDim / 16, TILE_ROWS, 16].
const DENOMINATORS: usize = (QUERIES / TILE_ROWS) * offsetof<QueryStrip>();
const VALUE_RUN: usize = DENOMINATORS + QUERIES * sizeof<f32>();
const SCORE_SUMS: usize = VALUE_RUN + offsetof<ValueRun>();
const STRIPPED: usize = SCORE_SUMS + SUMS_BYTES;

/**
 * The attention of attention.ts for a headDim and a blockSize that are multiples of 16: the queries that
 * share a key head, a strip at a time, are the rows of a tile, and a block of the cache is its weights,
 * once for the scores and once for the values. A unit is QUERIES queries of a sequence that share a key
 * head, so that memory is read once for all of them.
 */
export function attentionTiled(
  args: AttentionArguments,
  first: usize,
  last: usize,
  scratch: usize,
  thread: usize,
): void {
  const scores = <usize>args.scores + thread * <usize>args.scoresBytes;
  let sequence = changetype<Sequence>(<usize>args.sequences);
  let firstUnit: usize = 0;
  for (let unit = first; unit < last; unit++) {
    let end = firstUnit + unitsOf(args, sequence);
    while (unit >= end) {
      sequence = changetype<Sequence>(changetype<usize>(sequence) + offsetof<Sequence>());
      firstUnit = end;
      end += unitsOf(args, sequence);
    }
    attend(args, sequence, unit - firstUnit, scratch, scores);
  }
}

function unitsOf(args: AttentionArguments, sequence: Sequence): usize {
  return <usize>args.numKeyValueHeads * unitsOfKeyHead(queriesOf(args, sequence));
}

function unitsOfKeyHead(queries: usize): usize {
  return (queries + QUERIES - 1) / QUERIES;
}

/** The queries of a sequence that share a key head. */
function queriesOf(args: AttentionArguments, sequence: Sequence): usize {
  return (<usize>sequence.rows * <usize>args.numAttentionHeads) / <usize>args.numKeyValueHeads;
}

/** Computes a unit of a sequence. @param scratch,scores of this thread */
function attend(
  args: AttentionArguments,
  sequence: Sequence,
  unit: usize,
  scratch: usize,
  scores: usize,
): void {
  const headDim = <usize>args.headDim;
  const scoresBytes = <usize>args.scoresBytes / QUERIES;
  const queries = queriesOf(args, sequence);
  const keyHead = unit / unitsOfKeyHead(queries);
  const query = (unit % unitsOfKeyHead(queries)) * QUERIES;
  const count = min(QUERIES, queries - query);
  const sums = scratch + STRIPPED + QUERIES * headDim * sizeof<f32>();
  const end = cutIntoStrips(args, sequence, query, count, scratch);
  takeQueries(args, sequence, keyHead, query, scratch, end);
  score(args, sequence, keyHead, scratch, end, scores);
  for (let i: usize = 0; i < count; i++) {
    const denominator = exponentials(scores + i * scoresBytes, seen(args, sequence, query + i));
    store<f32>(scratch + DENOMINATORS + i * sizeof<f32>(), denominator);
  }
  memory.fill(sums, 0, (headDim / PANEL) * Strips.count(count) * SUMS_BYTES);
  addValues(args, sequence, keyHead, scratch, end, sums, scores);
  finish(args, sequence, keyHead, query, scratch, end, sums, scores);
}

/** Describes the strips of a unit. @returns the end of their table */
function cutIntoStrips(
  args: AttentionArguments,
  sequence: Sequence,
  query: usize,
  count: usize,
  table: usize,
): usize {
  const strips = Strips.count(count);
  let first: usize = 0;
  for (let i: usize = 0; i < strips; i++) {
    const strip = changetype<QueryStrip>(table);
    strip.first = first;
    strip.width = Strips.width(count, strips, i);
    strip.least = seen(args, sequence, query + first);
    first += strip.width;
    strip.most = seen(args, sequence, query + first - 1);
    table += offsetof<QueryStrip>();
  }
  return table;
}

/** Copies the queries, so that a tile reads its rows from one address. */
function takeQueries(
  args: AttentionArguments,
  sequence: Sequence,
  keyHead: usize,
  query: usize,
  table: usize,
  end: usize,
): void {
  const headDim = <usize>args.headDim;
  const queries = table + STRIPPED;
  for (; table < end; table += offsetof<QueryStrip>()) {
    const strip = changetype<QueryStrip>(table);
    const to = queries + strip.first * headDim * 4;
    for (let i: usize = 0; i < strip.width; i++) {
      const index = queryIndex(args, sequence, keyHead, query + strip.first + i);
      spread(<usize>args.q + index * headDim * 4, headDim, to + i * 4, strip.width * 4);
    }
  }
}

/**
 * The scaled scores, f32 [queries, positions]: those of a strip over the positions that its last query
 * sees, and up to 15 values behind.
 */
function score(
  args: AttentionArguments,
  sequence: Sequence,
  keyHead: usize,
  table: usize,
  end: usize,
  scores: usize,
): void {
  const blockTable = sequence.blockTable(args);
  const blockSize = <usize>args.blockSize;
  const headDim = <usize>args.headDim;
  const isWide = args.isWide !== 0;
  const scoresBytes = <usize>args.scoresBytes / QUERIES;
  const scale = f32x4.splat(<f32>args.scale);
  const keyBytes = blockSize * sizeof<f32>();
  const blockBytes = <usize>args.numKeyValueHeads * headDim * keyBytes;
  const keys = <usize>args.keys + keyHead * headDim * keyBytes;
  const sums = table + SCORE_SUMS;
  const queries = table + STRIPPED;
  const most = changetype<QueryStrip>(end - offsetof<QueryStrip>()).most;
  for (let t: usize = 0; t < most; t += blockSize) {
    const block = keys + <usize>load<u32>(blockTable + (t / blockSize) * 4) * blockBytes;
    for (let slot: usize = 0; slot < min(blockSize, most - t); slot += PANEL) {
      const key = block + slot * 4;
      for (let at = table; at < end; at += offsetof<QueryStrip>()) {
        const strip = changetype<QueryStrip>(at);
        if (t + slot >= strip.most) continue;
        const width = strip.width;
        const x = queries + strip.first * headDim * 4;
        const xEnd = x + headDim * width * 4;
        if (isWide || width < 3) sumPanel(width, x, xEnd, key, keyBytes, sums);
        else {
          sumHalf(width, x, xEnd, key, keyBytes, sums);
          sumHalf(width, x, xEnd, key + 32, keyBytes, sums + 32);
        }
        let to = scores + strip.first * scoresBytes + (t + slot) * 4;
        for (let i = sums; i < sums + width * 64; i += 64) {
          v128.store(to, f32x4.mul(v128.load(i), scale));
          v128.store(to, f32x4.mul(v128.load(i, 16), scale), 16);
          v128.store(to, f32x4.mul(v128.load(i, 32), scale), 32);
          v128.store(to, f32x4.mul(v128.load(i, 48), scale), 48);
          to += scoresBytes;
        }
      }
    }
  }
}

/** Adds the values that all queries of a strip see, weighted by the scores' exponentials. */
function addValues(
  args: AttentionArguments,
  sequence: Sequence,
  keyHead: usize,
  table: usize,
  end: usize,
  sums: usize,
  scores: usize,
): void {
  const headBytes = <usize>args.headDim * sizeof<f32>();
  const isWide = args.isWide !== 0;
  const values = <usize>args.values + keyHead * headBytes * <usize>args.blockSize;
  const stripBytes = (headBytes / 64) * SUMS_BYTES;
  const run = changetype<ValueRun>(table + VALUE_RUN);
  run.weightsBytes = <usize>args.scoresBytes / QUERIES;
  run.blockTable = sequence.blockTable(args);
  run.blockSize = <usize>args.blockSize;
  run.headBytes = headBytes;
  run.blockBytes = <usize>args.numKeyValueHeads * headBytes * run.blockSize;
  const positions = max(RUN / run.blockSize, 1) * run.blockSize;
  const most = changetype<QueryStrip>(end - offsetof<QueryStrip>()).least;
  for (let t: usize = 0; t < most; t += positions) {
    run.from = t;
    let firstSums = sums;
    for (let value = values; value < values + headBytes; value += 64) {
      let own = firstSums;
      for (let at = table; at < end; at += offsetof<QueryStrip>()) {
        const strip = changetype<QueryStrip>(at);
        if (t < strip.least) {
          run.to = min(t + positions, strip.least);
          run.weights = scores + strip.first * run.weightsBytes;
          if (isWide || strip.width < 3) addValues16(strip.width, table + VALUE_RUN, value, own);
          else {
            addValues8(strip.width, table + VALUE_RUN, value, own);
            addValues8(strip.width, table + VALUE_RUN, value + 32, own + 32);
          }
        }
        own += stripBytes;
      }
      firstSums += SUMS_BYTES;
    }
  }
}

/** Adds the values that only some queries of a strip see, divides, and writes the outputs. */
function finish(
  args: AttentionArguments,
  sequence: Sequence,
  keyHead: usize,
  query: usize,
  table: usize,
  end: usize,
  sums: usize,
  scores: usize,
): void {
  const blockTable = sequence.blockTable(args);
  const blockSize = <usize>args.blockSize;
  const headBytes = <usize>args.headDim * sizeof<f32>();
  const scoresBytes = <usize>args.scoresBytes / QUERIES;
  const blockBytes = <usize>args.numKeyValueHeads * headBytes * blockSize;
  const values = <usize>args.values + keyHead * headBytes * blockSize;
  const denominators = table + DENOMINATORS;
  for (; table < end; table += offsetof<QueryStrip>()) {
    const strip = changetype<QueryStrip>(table);
    let own = sums;
    for (let i = strip.first; i < strip.first + strip.width; i++) {
      const all = seen(args, sequence, query + i);
      for (let t = strip.least; t < all; t++) {
        const block = <usize>load<u32>(blockTable + (t / blockSize) * 4);
        const value = values + block * blockBytes + (t % blockSize) * headBytes;
        addValue(load<f32>(scores + i * scoresBytes + t * 4), value, headBytes, own);
      }
      const to = <usize>args.out + queryIndex(args, sequence, keyHead, query + i) * headBytes;
      divide(own, headBytes, load<f32>(denominators + i * 4), to);
      own += 64;
    }
    sums += (headBytes / 64) * SUMS_BYTES;
  }
}

/** How many positions a query of a key head sees. */
function seen(args: AttentionArguments, sequence: Sequence, query: usize): usize {
  const row = (query * <usize>args.numKeyValueHeads) / <usize>args.numAttentionHeads;
  return sequence.seen(row);
}

/** The index of a query of a key head in [rows of all sequences, heads]. */
function queryIndex(args: AttentionArguments, sequence: Sequence, keyHead: usize, query: usize): usize {
  const heads = <usize>args.numAttentionHeads;
  const group = heads / <usize>args.numKeyValueHeads;
  return (<usize>sequence.firstRow + query / group) * heads + keyHead * group + (query % group);
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
  for (let d: usize = 0; d < headBytes; d += 64) {
    v128.store(sums, Fused.multiplyAdd(w, v128.load(value + d), v128.load(sums)));
    v128.store(sums, Fused.multiplyAdd(w, v128.load(value + d, 16), v128.load(sums, 16)), 16);
    v128.store(sums, Fused.multiplyAdd(w, v128.load(value + d, 32), v128.load(sums, 32)), 32);
    v128.store(sums, Fused.multiplyAdd(w, v128.load(value + d, 48), v128.load(sums, 48)), 48);
    sums += SUMS_BYTES;
  }
}

function divide(sums: usize, headBytes: usize, denominator: f32, out: usize): void {
  const divisor = f32x4.splat(denominator);
  for (let d: usize = 0; d < headBytes; d += 64) {
    v128.store(out + d, f32x4.div(v128.load(sums), divisor));
    v128.store(out + d, f32x4.div(v128.load(sums, 16), divisor), 16);
    v128.store(out + d, f32x4.div(v128.load(sums, 32), divisor), 32);
    v128.store(out + d, f32x4.div(v128.load(sums, 48), divisor), 48);
    sums += SUMS_BYTES;
  }
}
