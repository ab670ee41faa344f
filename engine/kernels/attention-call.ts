import { type AttentionArguments, QUERIES, SEQUENCE_WORDS, UNIT_QUERIES } from './abi.ts';
import { type AttentionArgs, type AttentionSequence, scoresLength } from './kernels.ts';
import type { KernelCall } from './pool.ts';
import { KERNELS } from './table.ts';

/** The largest headDim for attention in tiles: a thread's scratch memory holds queries and sums. */
const MAX_TILED = 256;

/** Units with all key heads that a thread should have, at least. */
const UNITS_PER_THREAD = 3;

/** Returns the address of an array, which its errors call by the name. */
export type AddressOf = (name: string, view: ArrayBufferView) => number;

/** Attention as a call of a compiled kernel: in tiles if headDim and blockSize are multiples of 16. */
export function attentionCall(
  args: AttentionArgs,
  { threads, isWide }: { threads: number; isWide: boolean },
  at: AddressOf,
): KernelCall<AttentionArguments> {
  const { sequences, blockSize, numAttentionHeads, numKeyValueHeads, headDim } = args;
  const isTiled = headDim % 16 === 0 && blockSize % 16 === 0 && headDim <= MAX_TILED;
  const queriesPerRow = numAttentionHeads / numKeyValueHeads;
  const headsPerUnit = keyHeadsPerUnit(args, threads);
  let units = 0;
  let positions = 0;
  let most = 0;
  for (const { rows, startPosition } of sequences) {
    units += isTiled
      ? unitsOf(numKeyValueHeads, rows * queriesPerRow, headsPerUnit)
      : rows * numAttentionHeads;
    positions += seenBy(rows, startPosition);
    most = Math.max(most, startPosition + rows);
  }
  writeTables(sequences, args.tables);
  return {
    kernel: isTiled ? KERNELS.attentionTiled : KERNELS.attention,
    units,
    grain: 1,
    args: {
      q: at('attention: q', args.q),
      out: at('attention: out', args.out),
      keys: at('attention: keys', args.keys),
      values: at('attention: values', args.values),
      sequences: at('attention: tables', args.tables),
      blockSize,
      numAttentionHeads,
      numKeyValueHeads,
      headDim,
      scale: args.scale,
      scores: at('attention: scores', args.scores),
      scoresBytes: (scoresLength(threads, most) / threads) * Float32Array.BYTES_PER_ELEMENT,
      headsPerUnit,
      isWide: Number(isWide),
    },
    work: 2 * positions * numAttentionHeads * headDim,
  };
}

/** Positions that rows see, each counted for every row. */
function seenBy(rows: number, startPosition: number): number {
  return rows * (startPosition + (rows + 1) / 2);
}

/**
 * Key heads that a unit takes. All of them, where they have few queries: a block of the cache is then read
 * from its beginning to its end, which is up to 1.6 times as fast. But a unit is computed by one thread, so
 * only where the threads have a few such units each.
 */
function keyHeadsPerUnit(
  { sequences, numAttentionHeads, numKeyValueHeads }: AttentionArgs,
  threads: number,
): number {
  let all = 0;
  let longest = 0;
  for (const { rows, startPosition } of sequences) {
    const seen = seenBy(rows, startPosition);
    all += seen;
    if (rows * numAttentionHeads <= UNIT_QUERIES) longest = Math.max(longest, seen);
  }
  return threads === 1 || UNITS_PER_THREAD * threads * longest <= all ? numKeyValueHeads : 1;
}

/** As `unitsOf` of `assembly/attention/units.ts`. @param queries of a key head */
function unitsOf(numKeyValueHeads: number, queries: number, headsPerUnit: number): number {
  const isWhole = queries * headsPerUnit <= UNIT_QUERIES;
  return Math.ceil(numKeyValueHeads / (isWhole ? headsPerUnit : 1)) * Math.ceil(queries / QUERIES);
}

/**
 * Writes the sequences' records, and behind them their block tables. The fields of a record are those of
 * `assembly/attention/sequence.ts`.
 */
function writeTables(sequences: readonly AttentionSequence[], tables: Int32Array): void {
  let firstRow = 0;
  let firstBlock = sequences.length * SEQUENCE_WORDS;
  for (let i = 0; i < sequences.length; i++) {
    const { rows, startPosition, blockTable } = sequences[i];
    const record = i * SEQUENCE_WORDS;
    tables[record] = firstRow;
    tables[record + 1] = rows;
    tables[record + 2] = startPosition;
    tables[record + 3] = firstBlock;
    for (let j = 0; j < blockTable.length; j++) tables[firstBlock + j] = blockTable[j];
    firstRow += rows;
    firstBlock += blockTable.length;
  }
}
