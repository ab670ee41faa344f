import { AttentionArguments } from '../../abi';
import { sumHalf, sumPanel } from '../matmul/tile';
import { Fused } from '../multiply-add';
import { PANEL, QUERIES, TILE_ROWS, UNIT_QUERIES } from '../sizes';
import { Sequence } from './sequence';
import { exponentials } from './softmax';
import {
  cutIntoStrips,
  headsOfUnit,
  partsOf,
  QueryStrip,
  queriesOf,
  queryIndex,
  seen,
  unitsOf,
} from './units';
import { addValues8, addValues16, ValueRun } from './value-tile';

/** Bytes of the sums of a tile, f32 [TILE_ROWS, 16]. */
const SUMS_BYTES: usize = TILE_ROWS * PANEL * sizeof<f32>();
/** Positions whose values are added to all sums of a unit before the next ones: they stay in the L1 cache. */
const RUN: usize = 64;

// Where things lie in a thread's scratch memory behind the table of a unit's strips: the denominators of its
// queries; the run of values being added; the sums of one tile of scores; the queries, f32 [strips][headDim]
// [width]; then the sums of the values, f32 [strips][headDim / 16][width][16].
const DENOMINATORS: usize = UNIT_QUERIES * offsetof<QueryStrip>();
const VALUE_RUN: usize = DENOMINATORS + UNIT_QUERIES * sizeof<f32>();
const SCORE_SUMS: usize = VALUE_RUN + offsetof<ValueRun>();
const STRIPPED: usize = SCORE_SUMS + SUMS_BYTES;

/**
 * The attention of attention.ts for a headDim and a blockSize that are multiples of 16: the queries that
 * share a key head, a strip at a time, are the rows of a tile, and a block of the cache is its weights,
 * once for the scores and once for the values. A unit is QUERIES queries of a sequence that share a key
 * head, so that memory is read once for all of them; or all queries of several key heads, if they are that
 * few, so that memory is read in long runs.
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

/** Computes a unit of a sequence. @param scratch,scores of this thread */
function attend(
  args: AttentionArguments,
  sequence: Sequence,
  unit: usize,
  scratch: usize,
  scores: usize,
): void {
  const headDim = <usize>args.headDim;
  const scoresBytes = <usize>args.scoresBytes / UNIT_QUERIES;
  const queries = queriesOf(args, sequence);
  const heads = headsOfUnit(args, queries);
  const keyHead = (unit / partsOf(queries)) * heads;
  const lastHead = min(keyHead + heads, <usize>args.numKeyValueHeads);
  const query = (unit % partsOf(queries)) * QUERIES;
  const count = min(QUERIES, queries - query);
  const sums = scratch + STRIPPED + UNIT_QUERIES * headDim * sizeof<f32>();
  let end = scratch;
  for (let head = keyHead; head < lastHead; head++) {
    end = cutIntoStrips(args, sequence, head, query, count, (head - keyHead) * count, end);
  }
  takeQueries(args, sequence, scratch, end);
  score(args, sequence, scratch, end, scores);
  let own = scores;
  let denominators = scratch + DENOMINATORS;
  for (let head = keyHead; head < lastHead; head++) {
    for (let i: usize = 0; i < count; i++) {
      store<f32>(denominators, exponentials(own, seen(args, sequence, query + i)));
      denominators += sizeof<f32>();
      own += scoresBytes;
    }
  }
  memory.fill(sums, 0, (lastHead - keyHead) * count * headDim * sizeof<f32>());
  addValues(args, sequence, scratch, end, sums, scores);
  finish(args, sequence, scratch, end, sums, scores);
}

/** Copies the queries, so that a tile reads its rows from one address. */
function takeQueries(args: AttentionArguments, sequence: Sequence, table: usize, end: usize): void {
  const headDim = <usize>args.headDim;
  const queries = table + STRIPPED;
  for (; table < end; table += offsetof<QueryStrip>()) {
    const strip = changetype<QueryStrip>(table);
    const to = queries + strip.first * headDim * 4;
    for (let i: usize = 0; i < strip.width; i++) {
      const index = queryIndex(args, sequence, strip.keyHead, strip.query + i);
      spread(<usize>args.q + index * headDim * 4, headDim, to + i * 4, strip.width * 4);
    }
  }
}

/**
 * The scaled scores, f32 [queries, positions]: those of a strip over the positions that its last query
 * sees, and up to 15 values behind.
 */
function score(args: AttentionArguments, sequence: Sequence, table: usize, end: usize, scores: usize): void {
  const blockTable = sequence.blockTable(args);
  const blockSize = <usize>args.blockSize;
  const headDim = <usize>args.headDim;
  const isWide = args.isWide !== 0;
  const scoresBytes = <usize>args.scoresBytes / UNIT_QUERIES;
  const scale = f32x4.splat(<f32>args.scale);
  const keyBytes = blockSize * sizeof<f32>();
  const blockBytes = <usize>args.numKeyValueHeads * headDim * keyBytes;
  const sums = table + SCORE_SUMS;
  const queries = table + STRIPPED;
  const most = changetype<QueryStrip>(end - offsetof<QueryStrip>()).most;
  for (let t: usize = 0; t < most; t += blockSize) {
    const block = <usize>args.keys + <usize>load<u32>(blockTable + (t / blockSize) * 4) * blockBytes;
    for (let slot: usize = 0; slot < min(blockSize, most - t); slot += PANEL) {
      for (let at = table; at < end; at += offsetof<QueryStrip>()) {
        const strip = changetype<QueryStrip>(at);
        if (t + slot >= strip.most) continue;
        const key = block + strip.keyHead * headDim * keyBytes + slot * 4;
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
  table: usize,
  end: usize,
  sums: usize,
  scores: usize,
): void {
  const headBytes = <usize>args.headDim * sizeof<f32>();
  const isWide = args.isWide !== 0;
  const run = changetype<ValueRun>(table + VALUE_RUN);
  run.weightsBytes = <usize>args.scoresBytes / UNIT_QUERIES;
  run.blockTable = sequence.blockTable(args);
  run.blockSize = <usize>args.blockSize;
  run.headBytes = headBytes;
  run.blockBytes = <usize>args.numKeyValueHeads * headBytes * run.blockSize;
  const last = changetype<QueryStrip>(end - offsetof<QueryStrip>());
  const firstHead = changetype<QueryStrip>(table).keyHead;
  const isOneHead = last.keyHead === firstHead;
  // The values of a block's heads lie one after the other: the next head's are fetched during this one's.
  const positions = isOneHead ? max(RUN / run.blockSize, 1) * run.blockSize : run.blockSize;
  for (let t: usize = 0; t < last.least; t += positions) {
    run.from = t;
    for (let first = table; first < end; ) {
      const keyHead = changetype<QueryStrip>(first).keyHead;
      let next = first;
      while (next < end && changetype<QueryStrip>(next).keyHead === keyHead) next += offsetof<QueryStrip>();
      let ahead: usize = 0;
      if (next < end) ahead = valuesAt(args, run, keyHead + 1, t);
      else if (!isOneHead && t + positions < last.least)
        ahead = valuesAt(args, run, firstHead, t + positions);
      const values = <usize>args.values + keyHead * headBytes * run.blockSize;
      for (let d: usize = 0; d < headBytes; d += 64) {
        if (ahead > 0) {
          const stop = ahead + run.blockSize * 64;
          for (; ahead < stop; ahead += 64) load<u8>(ahead);
        }
        for (let at = first; at < next; at += offsetof<QueryStrip>()) {
          const strip = changetype<QueryStrip>(at);
          if (t >= strip.least) continue;
          run.to = min(t + positions, strip.least);
          run.weights = scores + strip.first * run.weightsBytes;
          const own = sums + strip.first * headBytes + d * strip.width;
          if (isWide || strip.width < 3) addValues16(strip.width, table + VALUE_RUN, values + d, own);
          else {
            addValues8(strip.width, table + VALUE_RUN, values + d, own);
            addValues8(strip.width, table + VALUE_RUN, values + d + 32, own + 32);
          }
        }
      }
      first = next;
    }
  }
}

/** The address of a key head's values at a position that begins a block. */
function valuesAt(args: AttentionArguments, run: ValueRun, keyHead: usize, position: usize): usize {
  const block = <usize>load<u32>(run.blockTable + (position / run.blockSize) * 4);
  return <usize>args.values + block * run.blockBytes + keyHead * run.headBytes * run.blockSize;
}

/** Adds the values that only some queries of a strip see, divides, and writes the outputs. */
function finish(
  args: AttentionArguments,
  sequence: Sequence,
  table: usize,
  end: usize,
  sums: usize,
  scores: usize,
): void {
  const blockTable = sequence.blockTable(args);
  const blockSize = <usize>args.blockSize;
  const headBytes = <usize>args.headDim * sizeof<f32>();
  const scoresBytes = <usize>args.scoresBytes / UNIT_QUERIES;
  const blockBytes = <usize>args.numKeyValueHeads * headBytes * blockSize;
  const denominators = table + DENOMINATORS;
  for (; table < end; table += offsetof<QueryStrip>()) {
    const strip = changetype<QueryStrip>(table);
    const values = <usize>args.values + strip.keyHead * headBytes * blockSize;
    const columnBytes = strip.width * 64;
    let own = sums + strip.first * headBytes;
    for (let i: usize = 0; i < strip.width; i++) {
      const query = strip.query + i;
      const index = strip.first + i;
      const all = seen(args, sequence, query);
      for (let t = strip.least; t < all; t++) {
        const block = <usize>load<u32>(blockTable + (t / blockSize) * 4);
        const value = values + block * blockBytes + (t % blockSize) * headBytes;
        addValue(load<f32>(scores + index * scoresBytes + t * 4), value, headBytes, own, columnBytes);
      }
      const to = <usize>args.out + queryIndex(args, sequence, strip.keyHead, query) * headBytes;
      divide(own, headBytes, columnBytes, load<f32>(denominators + index * 4), to);
      own += 64;
    }
  }
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
function addValue(p: f32, value: usize, headBytes: usize, sums: usize, columnBytes: usize): void {
  const w = f32x4.splat(p);
  for (let d: usize = 0; d < headBytes; d += 64) {
    v128.store(sums, Fused.multiplyAdd(w, v128.load(value + d), v128.load(sums)));
    v128.store(sums, Fused.multiplyAdd(w, v128.load(value + d, 16), v128.load(sums, 16)), 16);
    v128.store(sums, Fused.multiplyAdd(w, v128.load(value + d, 32), v128.load(sums, 32)), 32);
    v128.store(sums, Fused.multiplyAdd(w, v128.load(value + d, 48), v128.load(sums, 48)), 48);
    sums += columnBytes;
  }
}

function divide(sums: usize, headBytes: usize, columnBytes: usize, denominator: f32, out: usize): void {
  const divisor = f32x4.splat(denominator);
  for (let d: usize = 0; d < headBytes; d += 64) {
    v128.store(out + d, f32x4.div(v128.load(sums), divisor));
    v128.store(out + d, f32x4.div(v128.load(sums, 16), divisor), 16);
    v128.store(out + d, f32x4.div(v128.load(sums, 32), divisor), 32);
    v128.store(out + d, f32x4.div(v128.load(sums, 48), divisor), 48);
    sums += columnBytes;
  }
}
