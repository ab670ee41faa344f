import { AttentionArguments } from '../../abi';
import { sumHalf, sumPanel } from '../matmul/tile';
import { PANEL, QUERIES, UNIT_QUERIES } from '../sizes';
import { runLength, touchPages } from './pages';
import { Sequence } from './sequence';
import { exponentials } from './softmax';
import { DENOMINATORS, SCORE_SUMS, STRIPPED } from './unit-scratch';
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
import { addValues, finish } from './values';

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
  const firstHead = changetype<QueryStrip>(table).keyHead;
  const last = changetype<QueryStrip>(end - offsetof<QueryStrip>());
  const most = last.most;
  const run = runLength(blockSize, last.keyHead - firstHead);
  const first = <usize>args.keys + firstHead * headDim * keyBytes;
  const bytes = (last.keyHead - firstHead + 1) * headDim * keyBytes;
  for (let t: usize = 0; t < most; t += blockSize) {
    if (t % run === 0) touchPages(first, bytes, blockTable, blockBytes, t, min(t + run, most), blockSize);
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

/** Copies values to every `stride` bytes. */
function spread(from: usize, length: usize, to: usize, stride: usize): void {
  const end = from + length * sizeof<f32>();
  for (; from < end; from += sizeof<f32>()) {
    store<f32>(to, load<f32>(from));
    to += stride;
  }
}
