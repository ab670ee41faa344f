import test from 'ava';
import { align, project, restrict, startsOf } from '../../../../verify/judge/align.ts';
import { rms } from '../../../../verify/judge/statistics.ts';
import { syntheticReference, syntheticSubject, withRow } from './synthetic.ts';

const reference = syntheticReference();
const exact = syntheticSubject(reference, { level: 0 });

test('a subject that is right up to a constant for each row has no error', (t) => {
  const { rows, problems } = align(exact, reference);
  t.deepEqual(problems, []);
  t.is(rows.length, 84);
  for (const { error } of rows) t.true(rms(error) < 1e-6);
});

test('whole rows are compared on their likeliest tokens', (t) => {
  const { rows } = align(syntheticSubject(reference, { level: 0, whole: true }), reference);
  for (const { error, at } of rows) {
    t.is(at.length, 40);
    t.true(rms(error) < 1e-6);
  }
});

test('the error of a token is the difference of its scores, less the mean of the row', (t) => {
  const changed = withRow(exact, 'short', 5, (row) => {
    const values = row.values.slice();
    values[0] += 0.5;
    return { ...row, values };
  });
  const row = align(changed, reference).rows.find((one) => one.case === 'short' && one.position === 5)!;
  for (const [i, value] of row.error.entries()) {
    t.true(Math.abs(value - (i === 0 ? 0.5 : 0) + 0.5 / 20) < 1e-6, `value ${i} is off by ${value}`);
  }
});

test('a token that the reference does not keep is held against the least likely that it keeps', (t) => {
  const kept = 25;
  const cut = {
    ...reference,
    cases: reference.cases.map((one) => ({
      ...one,
      rows: one.rows.map((row) => ({ ...row, ids: row.ids.slice(0, kept), truth: row.truth.slice(0, kept) })),
    })),
  };
  const { ids, truth } = cut.cases[0].rows[7];
  const other = reference.cases[0].rows[7].ids[30];
  const subject = withRow(exact, 'long', 7, (row) => ({
    ...row,
    ids: Int32Array.of(ids[0], other),
    values: Float32Array.of(truth[0], truth[kept - 1] + 2),
  }));
  const row = align(subject, cut).rows.find((one) => one.case === 'long' && one.position === 7)!;
  t.deepEqual([...row.at].sort(), [-1, 0]);
  t.true(Math.abs(Math.abs(row.error[0]) - 1) < 1e-5, 'two nats between them, less the mean');
});

for (const [what, change, got] of [
  ['NaN', (values: Float32Array) => values.with(2, Number.NaN), /NaN for id \d+/],
  ['an infinity', (values: Float32Array) => values.with(0, Number.NEGATIVE_INFINITY), /-Infinity/],
  ['no values', () => new Float32Array(0), /0 scores/],
  ['fewer values than ids', (values: Float32Array) => values.slice(1), /20 ids for 19 scores/],
] as const) {
  test(`a row with ${what} is a problem, and is not compared`, (t) => {
    const subject = withRow(exact, 'short', 3, (row) => ({ ...row, values: change(row.values) }));
    const { rows, problems } = align(subject, reference);
    t.is(rows.length, 83);
    t.is(problems.length, 1);
    t.like(problems[0], { case: 'short', position: 3 });
    t.regex(problems[0].got, got);
  });
}

test('a row of one score is a problem: up to a constant, it is always right', (t) => {
  const first = <T extends { slice(begin: number, end: number): T }>(values: T) => values.slice(0, 1);
  const cut = withRow(exact, 'short', 3, ({ ids, values, ...row }) => ({
    ...row,
    values: first(values),
    ...(ids ? { ids: first(ids) } : {}),
  }));
  const { rows, problems } = align(cut, reference);
  t.deepEqual(problems, [
    { case: 'short', position: 3, got: '1 scores', expected: 'finite scores of distinct ids, at least two' },
  ]);
  t.is(rows.length, 83);
});

test('ids that stand twice, rows that stand twice, unknown cases and positions are problems', (t) => {
  const twice = withRow(exact, 'short', 3, (row) => ({ ...row, ids: row.ids!.with(1, row.ids![0]) }));
  t.regex(align(twice, reference).problems[0].got, /an id twice/);
  const [long, short] = exact;
  t.regex(align([{ ...long, rows: [long.rows[4], long.rows[4]] }], reference).problems[0].got, /second row/);
  t.regex(align([{ ...short, id: 'other' }], reference).problems[0].got, /"other"/);
  const beyond = [{ ...short, rows: [{ ...short.rows[0], position: 24 }] }];
  t.regex(align(beyond, reference).problems[0].expected, /24 positions from 0 to 23/);
});

test('restricted rows keep the values of the likeliest ids, centred anew', (t) => {
  const { rows } = align(syntheticSubject(reference), reference);
  for (const [r, { at, error }] of restrict(rows, 10).entries()) {
    t.true(at.every((where) => where < 10));
    const kept = [...rows[r].at.keys()].filter((i) => rows[r].at[i] < 10);
    t.true(Math.abs(error.reduce((sum, x) => sum + x, 0)) < 1e-9);
    t.true(Math.abs(error[1] - error[0] - (rows[r].error[kept[1]] - rows[r].error[kept[0]])) < 1e-9);
  }
});

test('projected values stand where each row has its ids, less their mean, whatever constant is added', (t) => {
  const rows = [Int32Array.of(2, 0, -1), Int32Array.of(1, 2)].map((at, position) => ({
    case: 'short',
    index: position,
    position,
    at,
    error: new Float64Array(at.length),
  }));
  const values = () => Float32Array.of(3, 9, 6);
  t.deepEqual([...startsOf(rows)], [0, 3, 5]);
  t.deepEqual([...project(rows, values)], [1.5, -1.5, 0, 1.5, -1.5]);
  t.deepEqual([...project(rows, () => values().map((x) => x + 64))], [1.5, -1.5, 0, 1.5, -1.5]);
  const minus = ({ index }: { index: number }) => Float32Array.of(0, 4 * index, 6);
  t.deepEqual([...project(rows, values, minus)], [-1.5, 1.5, 0, 2.5, -2.5]);
});

test('of equal scores at the end of what is compared the lower ids are taken, in the order of scores', (t) => {
  const values = Float32Array.from({ length: 200 }, (_, id) => (id === 150 ? 9 : id % 2));
  const ids = Int32Array.from(values.keys());
  const one = { ...reference.cases[0], rows: [{ position: 0, ids, truth: new Float32Array(200) }] };
  const [row] = align([{ id: one.id, rows: [{ position: 0, values }] }], { ...reference, cases: [one] }).rows;
  t.deepEqual([...row.at], [150, ...Array.from({ length: 63 }, (_, i) => 2 * i + 1)]);
});
