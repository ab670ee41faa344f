import test from 'ava';
import fc from 'fast-check';
import { judge } from '../../../../verify/judge/judge.ts';
import type { SubjectCase } from '../../../../verify/judge/judgement.ts';
import { LEVELS, syntheticReference, syntheticSubject } from './synthetic.ts';

const reference = syntheticReference({ long: 36, short: 20 });
const honest = syntheticSubject(reference);

test('an honest subject is right, with power', (t) => {
  const { verdict, reasons, bugs, power, precision } = judge(honest, reference);
  t.is(verdict, 'right');
  t.deepEqual(reasons, []);
  t.true(bugs.every((bug) => bug.verdict === 'ruled out'));
  t.is(power.refused, power.of);
  t.is(precision!.class, 'bf16');
});

test('a bug that is found is the first reason', (t) => {
  const buggy = syntheticSubject(reference, { bug: { name: 'everywhere', strength: 1 } });
  const { verdict, reasons } = judge(buggy, reference);
  t.is(verdict, 'wrong');
  t.regex(reasons[0], /^bug everywhere: coefficient (1\.0|0\.9)\d ± 0\.\d\d$/);
  const [everywhere, ...others] = reference.signatures;
  const known = { ...reference, signatures: [{ ...everywhere, name: 'eps-x10' }, ...others] };
  t.regex(judge(buggy, known).reasons[0], /^bug eps-x10 \(eps is ten times too large\): coefficient /);
});

test('a bug of decoding alone is named by the rows of greedy tokens', (t) => {
  const buggy = syntheticSubject(reference, { bug: { name: 'everywhere', strength: 1 } });
  const decoding = honest.map((one, i) => ({ ...one, greedyRows: buggy[i].greedyRows }));
  const { verdict, reasons, greedy, precision, bugs, compared } = judge(decoding, reference);
  t.is(verdict, 'wrong');
  t.regex(reasons[0], /^bug everywhere: coefficient (1\.0|0\.9)\d/);
  t.true(reasons.some((reason) => /errors in the rows of decoded tokens are .* noise of bf16/.test(reason)));
  t.like(greedy, { verdict: 'wrong', rows: { compared: 16 } });
  t.is(precision!.class, 'bf16', 'the rows of the prompt are right');
  t.is(bugs.find(({ name }) => name === 'late')!.verdict, 'ruled out');
  t.is(compared.rows, 36 + 20 + 16);
});

test('a bug in part of the error of a subject that depends on others is not named', (t) => {
  for (const [strength, verdict] of [
    [1, 'found'],
    [0.8, 'cannot tell'],
  ] as const) {
    const buggy = syntheticSubject(reference, { bug: { name: 'everywhere', strength } });
    const verdicts = [false, true].map(
      (isUnstable) => judge(buggy, reference, { isUnstable }).bugs[0].verdict,
    );
    t.deepEqual(verdicts, ['found', verdict]);
  }
});

test('a subject that is right where a fault would be let pass is unknown', (t) => {
  const one = { id: 'long', rows: honest[0].rows.slice(0, 1) };
  const { verdict, power } = judge([one], reference);
  t.is(verdict, 'unknown');
  t.is(power.of, 0);
});

test('nothing answered is unknown', (t) => {
  const { verdict, reasons } = judge([], reference);
  t.is(verdict, 'unknown');
  t.is(reasons[0], 'nothing was compared');
});

test('the verdict does not depend on the order of cases and rows, nor on a constant for each row', (t) => {
  const expected = JSON.stringify(judge(honest, reference));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: -8, max: 8 }), (seed, constant) => {
      const shuffled = <T>(values: readonly T[]): T[] =>
        values
          .map((value, i) => ({ value, key: ((i + 1) * seed) % 1013 }))
          .sort((a, b) => a.key - b.key)
          .map(({ value }) => value);
      const moved: SubjectCase[] = shuffled(honest).map((one) => ({ ...one, rows: shuffled(one.rows) }));
      const { verdict, reasons, precision, cases } = judge(moved, reference);
      t.is(
        JSON.stringify({ verdict, reasons, class: precision!.class }),
        JSON.stringify({ verdict: 'right', reasons: [], class: 'bf16' }),
      );
      t.is(JSON.stringify(cases), JSON.stringify(JSON.parse(expected).cases));
      const lifted = honest.map((one) => ({
        ...one,
        rows: one.rows.map((row) => ({ ...row, values: row.values.map((value) => value + constant) })),
      }));
      t.is(judge(lifted, reference).verdict, 'right');
    }),
    { numRuns: 3 },
  );
});

for (const [what, change] of [
  ['scaled', (values: Float32Array) => values.map((value) => 1.5 * value)],
  ['permuted', (values: Float32Array) => values.toReversed()],
  ['cut to one score', (values: Float32Array) => values.slice(0, 1)],
] as const) {
  test(`an honest answer that is ${what} is refused`, (t) => {
    const changed = syntheticSubject(reference, { level: LEVELS.f16 }).map((one) => ({
      ...one,
      rows: one.rows.map((row) => {
        const values = change(row.values);
        return { ...row, values, ids: row.ids!.slice(0, values.length) };
      }),
    }));
    t.is(judge(changed, reference, { precision: 'f16' }).verdict, 'wrong');
  });
}
