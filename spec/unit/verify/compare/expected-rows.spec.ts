import test from 'ava';
import type { RecordedCase } from '../../../../golden/schema.ts';
import { TOP } from '../../../../golden/schema.ts';
import { ComparisonError, logSumExp } from '../../../../golden/tolerance.ts';
import { expectedRows } from '../../../../verify/compare/expected-rows.ts';

const recorded = {
  ids: [5, 6, 7],
  positions: [0, 2],
  greedy: { tokens: [1], margins: [1] },
} as unknown as RecordedCase;
const logits = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i) * 3);

test('the rows of a whole vocabulary are those of the positions, then those of the greedy tokens', (t) => {
  const rows = expectedRows({ recorded, tensors: { logits, logitsFloat64: Float64Array.from(logits) } }, 4);
  t.deepEqual(
    rows.map(({ position }) => position),
    [0, 2, 3],
  );
  t.deepEqual(rows[1].ids, [0, 1, 2, 3]);
  t.deepEqual(rows[1].logits, logits.slice(4, 8));
  t.deepEqual(rows[1].truth, Float64Array.from(logits.slice(4, 8)));
  t.is(rows[1].rowMax, Math.max(...logits.slice(4, 8).map(Math.abs)));
  t.is(rows[1].logSumExp, logSumExp(logits.slice(4, 8)));
});

test('a row of a sampled vocabulary has the sample, its own likeliest tokens, and the figures of the whole row', (t) => {
  const topIds = Int32Array.from({ length: 3 * TOP }, (_, i) => 100 + i);
  const sampled = { topIds, rowMax: Float32Array.of(7, 8, 9), logSumExp: Float64Array.of(10, 11, 12) };
  const stored = new Float32Array(3 * (2 + TOP));
  const rows = expectedRows({ recorded, tensors: { logits: stored, sampled } }, 1000, [3, 4]);
  t.deepEqual(rows[2].ids.slice(0, 3), [3, 4, 140]);
  t.is(rows[2].ids.length, 2 + TOP);
  t.like(rows[2], { rowMax: 9, logSumExp: 12, truth: undefined });
});

test('stored rows of another length than the vocabulary are an error of the golden', (t) => {
  t.throws(() => expectedRows({ recorded, tensors: { logits } }, 5), {
    instanceOf: ComparisonError,
    message: 'the stored rows have 4 values; expected 5',
  });
});
