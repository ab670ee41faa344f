import test from 'ava';
import type { FirstAnswer } from '../../../../verify/consistency/checks.ts';
import { consistencyPower } from '../../../../verify/consistency/consistency-power.ts';
import { fakeRow } from '../../../support/verify/fake-subject.ts';

const answer = (id: string, promptIds: number[]): FirstAnswer => ({
  case: { id, promptIds, greedy: [], positions: [...promptIds.keys()] },
  rows: promptIds.map((_, i) => fakeRow(promptIds.slice(0, i + 1))),
  tokens: [1, 2, 3],
});
const ANSWERS = [answer('one', [1, 2, 3]), answer('two', [4, 5, 6])];

test('faults in answers that differ are refused, each of them', (t) => {
  t.deepEqual(consistencyPower(ANSWERS, 0.1), { refused: 3, of: 3, missed: [] });
});

test('answers that are all alike let faults pass, and those are named', (t) => {
  const constant = ANSWERS.map((each) => ({ ...each, rows: each.rows?.map(() => fakeRow([1])) }));
  t.deepEqual(consistencyPower(constant, 0.1).missed, [
    'every row is that of the position before',
    'the last row is that of another prompt',
  ]);
});

test('a fault that is less than what is allowed is let pass', (t) => {
  t.is(consistencyPower(ANSWERS, 1e3).missed.length, 2);
});

test('a fault is put in only where it changes something, and an equal change is let pass', (t) => {
  const rows = (...values: number[]) => values.map((value) => ({ values: Float32Array.of(value, 0) }));
  const of = (parts: Partial<FirstAnswer>): FirstAnswer => ({
    ...ANSWERS[0],
    rows: undefined,
    tokens: [],
    ...parts,
  });
  // One row has none before it; the other's last row can stand for it.
  const single = [of({ rows: rows(1) }), of({ rows: rows(3) })];
  t.deepEqual(consistencyPower(single, 1), { refused: 1, of: 1, missed: [] });
  t.deepEqual(consistencyPower(single, 2).missed, ['the last row is that of another prompt']);
  // The last rows are the same.
  const alike = [of({ rows: rows(1, 5) }), of({ rows: rows(2, 5) })];
  t.deepEqual(consistencyPower(alike, 1), {
    ...{ refused: 1, of: 2, missed: ['the last row is that of another prompt'] },
  });
  // One answer has no other.
  t.deepEqual(consistencyPower([ANSWERS[0]], 0.1), { refused: 2, of: 2, missed: [] });
  t.deepEqual(consistencyPower([of({ tokens: [4, 4, 4] })], 0.1), { refused: 0, of: 0, missed: [] });
});

test('without answers no fault is put in', (t) => {
  t.deepEqual(consistencyPower([], 1), { refused: 0, of: 0, missed: [] });
});
