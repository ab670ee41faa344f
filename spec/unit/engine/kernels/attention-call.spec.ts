import test from 'ava';
import { attentionCall } from '../../../../engine/kernels/attention-call.ts';
import { KERNELS } from '../../../../engine/kernels/table.ts';

const NAMES = ['q', 'out', 'keys', 'values', 'scores', 'tables'];
const SEQUENCE = { rows: 9, startPosition: 5, blockTable: [7] };

/** The call of four query heads on two key heads; the address of an array is 1000 + its index. */
function callOf(headDim: number, blockSize: number, { sequences = [SEQUENCE], isWide = false } = {}) {
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
    { threads: 3, isWide },
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
    // 24 queries over 14 positions, rounded up to 16, of 4 bytes.
    scoresBytes: 1536,
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
  t.is(args.scoresBytes, 24 * 32 * 4, 'the scores of the sequence with the most positions');
  t.is(work, 2 * (31 + 32 + (13 * 14) / 2) * 4 * 64);
});
