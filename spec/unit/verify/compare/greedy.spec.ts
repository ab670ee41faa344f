import test from 'ava';
import type { ExpectedRow } from '../../../../verify/compare/expected-rows.ts';
import { compareGreedy, isTieIn } from '../../../../verify/compare/greedy.ts';

test('the same tokens have no difference, and nothing is asked about ties', (t) => {
  t.deepEqual(
    compareGreedy([1, 2], [1, 2], 5, () => t.fail() as never),
    {},
  );
});

test('the first other token is a difference, or a tie, and later tokens do not count', (t) => {
  t.deepEqual(
    compareGreedy([1, 9, 8], [1, 2, 3], 5, () => false),
    {
      flippedAt: 1,
      difference: { what: 'greedy token', position: 6, index: 1, got: 9, expected: 2, tolerance: 0 },
    },
  );
  const asked: number[][] = [];
  const tied = compareGreedy([1, 9, 8], [1, 2, 3], 5, (step, token) => asked.push([step, token]) > 0);
  t.deepEqual([tied, asked], [{ flippedAt: 1 }, [[1, 9]]]);
});

test('two tokens of a row are a tie if both may be off by the tolerance', (t) => {
  const row: ExpectedRow = {
    position: 0,
    ids: [4, 7, 9],
    logits: Float32Array.of(8, 7.999, 3),
    rowMax: 8,
    logSumExp: 8.7,
  };
  t.true(isTieIn(row, 4, 7, 2e-5), 'twice 4 · 2e-5 · 8 is more than their distance');
  t.false(isTieIn(row, 4, 7, 1e-5));
  t.false(isTieIn(row, 4, 9, 2e-5));
  t.false(isTieIn(row, 4, 5, 1), 'a token that is not stored is not among the largest');
});
