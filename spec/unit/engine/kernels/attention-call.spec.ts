import test from 'ava';
import { attentionCall } from '../../../../engine/kernels/attention-call.ts';
import { KERNELS } from '../../../../engine/kernels/table.ts';

const NAMES = ['q', 'out', 'keys', 'values', 'scores', 'tables'];
const SEQUENCE = { rows: 9, startPosition: 5, blockTable: [7] };

/** The call of four query heads on two key heads; the address of an array is 1000 + its index. */
function callOf(
  headDim: number,
  blockSize: number,
  { sequences = [SEQUENCE], isWide = false, threads = 3 } = {},
) {
  const [q, out, keys, values, scores] = NAMES.map(() => new Float32Array(1));
  const tables = new Int32Array(20).fill(-1);
  const views: ArrayBufferView[] = [q, out, keys, values, scores, tables];
  const at = (name: string, view: ArrayBufferView) => {
    const i = views.indexOf(view);
    if (name !== `attention: ${NAMES[i]}`) throw new Error(`${NAMES[i]} is called ${name}`);
    return 1000 + i;
  };
  const sizes = { blockSize, numAttentionHeads: 4, numKeyValueHeads: 2, headDim };
  const call = attentionCall(
    { q, out, keys, values, scores, tables, sequences, scale: 0.5, ...sizes },
    { threads, isWide },
    at,
  );
  return { ...call, tables: [...tables] };
}

test('attention runs in tiles if headDim and blockSize are multiples of 16, the first up to 256', (t) => {
  // Thirteen rows of two queries each are 26 for a key head: two units of up to 24.
  t.like(callOf(64, 16, { sequences: [{ ...SEQUENCE, rows: 13 }] }), {
    kernel: KERNELS.attentionTiled,
    units: 2 * 2,
  });
  t.like(callOf(256, 512), { kernel: KERNELS.attentionTiled });
  for (const [headDim, blockSize] of [
    [60, 16],
    [72, 16],
    [64, 24],
    [272, 16],
  ]) {
    t.like(
      callOf(headDim, blockSize),
      { kernel: KERNELS.attention, units: 9 * 4 },
      `${headDim}, ${blockSize}`,
    );
  }
});

test('a call passes the address of each array, the sizes and the work', (t) => {
  const { args, grain, work } = callOf(64, 16);
  t.deepEqual(args, {
    ...{ q: 1000, out: 1001, keys: 1002, values: 1003, scores: 1004, sequences: 1005 },
    ...{ blockSize: 16, numAttentionHeads: 4, numKeyValueHeads: 2, headDim: 64 },
    scale: 0.5,
    // 32 queries over 14 positions, rounded up to 16, of 4 bytes.
    scoresBytes: 2048,
    headsPerUnit: 2,
    isWide: 0,
  });
  t.is(callOf(64, 16, { isWide: true }).args.isWide, 1);
  t.is(grain, 1);
  // Row i sees 6 + i positions, 90 in all: a product for the score and one for the value.
  t.is(work, 2 * 90 * 4 * 64);
});

test('each sequence has a record of its first row, rows, position and blocks, which follow', (t) => {
  const sequences = [
    { rows: 2, startPosition: 30, blockTable: [7, 3] },
    { rows: 0, startPosition: 0, blockTable: [] },
    { rows: 13, startPosition: 0, blockTable: [9] },
  ];
  const { args, units, work, tables } = callOf(64, 16, { sequences });
  t.deepEqual(tables.slice(0, 12), [0, 2, 30, 12, 2, 0, 0, 14, 2, 13, 0, 14]);
  t.deepEqual(tables.slice(12), [7, 3, 9, -1, -1, -1, -1, -1]);
  // A unit for each key head of the first, two of the last, which has 26 queries for a key head.
  t.is(units, 2 + 2 * 2);
  t.is(args.scoresBytes, 32 * 32 * 4, 'the scores of the sequence with the most positions');
  t.is(work, 2 * (31 + 32 + (13 * 14) / 2) * 4 * 64);
});

test('a unit has all key heads if they have few queries and the threads have a few such units each', (t) => {
  const call = (count: number, rows: number, threads: number) => {
    const sequences = Array.from({ length: count }, () => ({ rows, startPosition: 9, blockTable: [0, 1] }));
    const { args, units } = callOf(64, 16, { sequences, threads });
    return [args.headsPerUnit, units];
  };
  t.deepEqual(call(1, 1, 1), [2, 1], 'a single thread');
  t.deepEqual(call(6, 1, 2), [2, 6], 'three units for each of two threads');
  t.deepEqual(call(5, 1, 2), [1, 10], 'fewer units: the threads share the key heads');
  // Four query heads: eight rows have 32 queries, nine have more.
  t.deepEqual(call(1, 8, 1), [2, 1], 'as many queries as a unit takes');
  t.deepEqual(call(1, 9, 1), [2, 2], 'more queries than that: a unit for each key head');
  const mixed = [SEQUENCE, ...new Array(5).fill({ rows: 1, startPosition: 9, blockTable: [0] })];
  // Nine rows see 90 positions, the others ten each, whose six times ten are fewer than all 140.
  t.deepEqual(callOf(64, 16, { sequences: mixed, threads: 2 }).args.headsPerUnit, 2);
  const uneven = [...mixed.slice(1), { rows: 1, startPosition: 20, blockTable: [0, 1] }];
  t.deepEqual(callOf(64, 16, { sequences: uneven, threads: 2 }).args.headsPerUnit, 1, 'one is too long');
});
