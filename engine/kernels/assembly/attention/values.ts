import { AttentionArguments } from '../../abi';
import { Fused } from '../multiply-add';
import { FEW_QUERIES, FEW_QUERIES_NARROW, UNIT_QUERIES } from '../sizes';
import { runLength, touchPages } from './pages';
import { Sequence } from './sequence';
import { DENOMINATORS, VALUE_RUN } from './unit-scratch';
import { QueryStrip, queryIndex, seen } from './units';
import { addValueRows } from './value-rows';
import { addValues8, addValues16, ValueRun } from './value-tile';

/** Adds the values that all queries of a strip see, weighted by the scores' exponentials. */
export function addValues(
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
  const firstHead = changetype<QueryStrip>(table).keyHead;
  const last = changetype<QueryStrip>(end - offsetof<QueryStrip>());
  const positions = runLength(run.blockSize, last.keyHead - firstHead);
  const touched = <usize>args.values + firstHead * headBytes * run.blockSize;
  const bytes = (last.keyHead - firstHead + 1) * headBytes * run.blockSize;
  const few = isWide ? FEW_QUERIES : FEW_QUERIES_NARROW;
  for (let t: usize = 0; t < last.least; t += positions) {
    const stop = min(t + positions, last.least);
    touchPages(touched, bytes, run.blockTable, run.blockBytes, t, stop, run.blockSize);
    run.from = t;
    for (let first = table; first < end; ) {
      const keyHead = changetype<QueryStrip>(first).keyHead;
      let next = first;
      while (next < end && changetype<QueryStrip>(next).keyHead === keyHead) next += offsetof<QueryStrip>();
      const values = <usize>args.values + keyHead * headBytes * run.blockSize;
      // The first strip is the widest. Few queries take all dimensions at once.
      const isFew = changetype<QueryStrip>(first).width <= few;
      const column = isFew ? headBytes : 64;
      for (let d: usize = 0; d < headBytes; d += column) {
        for (let at = first; at < next; at += offsetof<QueryStrip>()) {
          const strip = changetype<QueryStrip>(at);
          if (t >= strip.least) continue;
          run.to = min(t + positions, strip.least);
          run.weights = scores + strip.first * run.weightsBytes;
          const own = sums + strip.first * headBytes + d * strip.width;
          if (isFew) addValueRows(strip.width, table + VALUE_RUN, values, own);
          else if (isWide) addValues16(strip.width, table + VALUE_RUN, values + d, own);
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

/** Adds the values that only some queries of a strip see, divides, and writes the outputs. */
export function finish(
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
