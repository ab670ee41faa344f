import test from 'ava';
import { logSumExp, maxAbs } from '../../../../golden/tolerance.ts';
import type { ExpectedRow } from '../../../../verify/compare/expected-rows.ts';
import { compareRms, compareRows, pairRows } from '../../../../verify/compare/rows.ts';
import { SubjectError } from '../../../../verify/errors.ts';
import type { TokenScores } from '../../../../verify/subject.ts';
import { logProbabilities, top } from '../../../support/subjects/views.ts';

const NOISE = { logits: 2e-6, probabilities: 1e-6 };
const RMS = 1e-5;
const VOCAB = 40;

/** Rows of three positions, in f32, with a float64 truth 1e-5 away. */
const expected = [3, 11, 20].map((best, position): ExpectedRow => {
  const logits = Float32Array.from({ length: VOCAB }, (_, id) =>
    id === best ? 8 : Math.sin(7 * id + best) * 3,
  );
  const truth = Float64Array.from(logits, (logit, id) => logit + (id % 2 ? RMS : -RMS));
  return {
    position,
    ids: [...logits.keys()],
    logits,
    rowMax: maxAbs(logits),
    logSumExp: logSumExp(logits),
    truth,
  };
});
const logits = expected.map((row): TokenScores => ({ values: row.logits }));

/** Everything that is found wrong with rows. */
function differences(rows: readonly TokenScores[], golden = expected) {
  const paired = pairRows('scores of "made-up"', rows, golden, NOISE);
  return [...compareRows(paired, NOISE), ...compareRms(paired, RMS)];
}

/** The same rows, of which some values are others. */
const changed = (rows: readonly TokenScores[], row: number, token: number, by: number) =>
  rows.map((one, i) => {
    if (i !== row) return one;
    const index = one.ids ? one.ids.indexOf(token) : token;
    return { ...one, values: one.values.with(index, one.values[index] + by) };
  });

const VIEWS: [what: string, view: (row: TokenScores) => TokenScores][] = [
  ['logits', (row) => row],
  ['log-probabilities', logProbabilities],
  ['logits less the largest', ({ values }) => ({ values: values.map((value) => value - 8) })],
  ['the 20 largest logits', top(20)],
  ['the 20 largest log-probabilities', (row) => top(20)(logProbabilities(row))],
  [
    'the 20 largest logits, less another constant in each row',
    (row) => {
      const { ids, values } = top(20)(row);
      return { ids, values: values.map((value) => value - 5 - row.values[0]) };
    },
  ],
  [
    'the 20 largest logits in another order',
    (row) => {
      const { ids, values } = top(20)(row);
      return { ids: ids!.toReversed(), values: values.toReversed() };
    },
  ],
];
for (const [what, view] of VIEWS) {
  test(`rows of ${what} are compared: right ones have no difference, a wrong value is named by its token`, (t) => {
    const rows = logits.map(view);
    t.deepEqual(differences(rows), []);
    // The second likeliest of the last row: in all views.
    const token = top(2)(logits[2]).ids![1];
    const [first] = differences(changed(rows, 2, token, 3e-3));
    t.deepEqual([first.what, first.position, first.index], ['logits', 2, token]);
    t.true(Math.abs(first.got - first.expected) > 2e-3, 'got is a logit');
  });
}

test('log-probabilities of which most are wrong are reported as logits too', (t) => {
  const wrong = logits.map(({ values }) => ({
    values: values.map((value, id) => value + 0.1 * Math.sin(id)),
  }));
  for (const view of [logProbabilities, (row: TokenScores) => top(20)(logProbabilities(row))]) {
    const [first] = differences(wrong.map(view));
    t.true(Math.abs(first.got - first.expected) < 0.3, `got ${first.got}, expected ${first.expected}`);
  }
});

test('a constant in one row only is an error of that row', (t) => {
  for (const view of [(row: TokenScores) => row, top(20)]) {
    const rows = logits.map(view);
    const off = rows.map((row, i) =>
      i === 1 ? { ...row, values: row.values.map((value) => value + 0.01) } : row,
    );
    t.is(differences(off)[0].position, 1);
  }
});

test('a log-probability may be off by what sums in f32 are, the same in a row', (t) => {
  const rows = logits.map(logProbabilities);
  const by = (nats: number) => rows.map(({ values }) => ({ values: values.map((value) => value + nats) }));
  t.deepEqual(differences(by(5e-4)), []);
  t.deepEqual(differences(by(-5e-4)), []);
});

test('five differences are listed', (t) => {
  const wrong = logits.map(({ values }) => ({ values: values.map((value, id) => value + 0.1 * (id % 3)) }));
  t.is(compareRows(pairRows('scores', wrong, expected, NOISE), NOISE).length, 5);
});

test('whole rows are held to the bound of a logit exactly', (t) => {
  const bound = 4 * NOISE.logits * 8;
  t.true(bound < 1e-5 + 1e-5 * 8, 'the floor decides');
  t.deepEqual(differences(changed(logits, 0, 4, 8e-5)), []);
  t.is(differences(changed(logits, 0, 4, 1e-4))[0].what, 'logits');
});

test('a row of the likeliest tokens that lacks a likely one differs there', (t) => {
  const rows = logits
    .map(top(21))
    .map(({ ids, values }) => ({ ids: ids!.slice(1), values: values.slice(1) }));
  t.deepEqual(
    differences(rows).map(({ what, position, index }) => [what, position, index]),
    [
      ['missing token', 0, 3],
      ['missing token', 1, 11],
      ['missing token', 2, 20],
    ],
  );
});

test('a token that is missing is likelier than the least one by more than both may be off', (t) => {
  const bound = 1e-5 + 1e-5 * 8;
  // Tokens 0 and 1 are shown; token 2 is so much likelier than the least of them.
  const missing = (by: number) => {
    const [row] = expected;
    const values = Float32Array.of(8, 1, 1 + by);
    const golden = { ...row, ids: [0, 1, 2], logits: values, logSumExp: logSumExp(values), truth: undefined };
    return differences([{ ids: Int32Array.of(0, 1), values: values.slice(0, 2) }], [golden]).length;
  };
  t.deepEqual(
    [0.9, 1.9, 2.2].map((times) => missing(times * bound)),
    [0, 0, 1],
  );
});

test('a row that shows fewer than two tokens of the golden cannot be compared', (t) => {
  t.throws(() => differences(logits.map(top(1))), {
    instanceOf: SubjectError,
    message:
      /^scores of "made-up": the row of position 0 shows 1 tokens, of which the golden has 1; expected two or more/,
  });
  const sampled = expected.map((row) => ({
    ...row,
    ids: row.ids.slice(0, 3),
    logits: row.logits.slice(0, 3),
  }));
  t.throws(() => differences(logits.map(top(2)), sampled), { instanceOf: SubjectError });
  // A sampled id that is also among the largest is stored twice.
  const twice = expected.map((row, i) => {
    const best = [3, 11, 20][i];
    return { ...row, ids: [0, 1, best, best], logits: Float32Array.of(row.logits[0], row.logits[1], 8, 8) };
  });
  t.throws(() => differences(logits.map(top(1)), twice), {
    instanceOf: SubjectError,
    message: /expected two or more/,
  });
});

test('values that are within bounds one by one may be too far from the truth together, in rows of any kind', (t) => {
  for (const [what, view] of VIEWS) {
    const rows = logits.map(({ values }) =>
      view({ values: values.map((v, id) => v + (id % 2 ? -3e-5 : 3e-5)) }),
    );
    const [first] = differences(rows);
    t.is(first?.what, 'RMS distance', what);
  }
});

test('without a float64 twin there is no distance from the truth', (t) => {
  const rows = pairRows(
    '',
    logits,
    expected.map(({ truth: _, ...row }) => row),
    NOISE,
  );
  t.deepEqual(compareRms(rows, 0), []);
});
