import test from 'ava';
import { assess, isRight } from '../../../../verify/judge/assess.ts';
import { FAULTS } from '../../../../verify/judge/faults.ts';
import { LEVELS, syntheticReference, syntheticSubject, withRow } from './synthetic.ts';

const reference = syntheticReference();
const honest = syntheticSubject(reference);

test('an honest subject is right in every case, and what was compared is counted', (t) => {
  const { verdict, reasons, compared, cases, precision } = assess(honest, reference, {});
  t.is(verdict, 'right');
  t.deepEqual(reasons, []);
  t.deepEqual(compared, { rows: 84 + 16, values: 100 * 20 });
  t.deepEqual(
    cases.map((one) => one.verdict),
    ['right', 'right'],
  );
  t.is(cases[0].ratios.length, 60);
  t.is(precision!.class, 'bf16');
});

test('a class that is demanded holds the subject to it, and a better one satisfies it', (t) => {
  t.is(assess(honest, reference, { precision: '8bit' }).verdict, 'right');
  const { verdict, reasons } = assess(honest, reference, { precision: 'f16' });
  t.is(verdict, 'wrong');
  t.regex(reasons[0], /errors are \d+(\.\d+)? times the noise of f16/);
});

test('errors that begin at a position are reported with it', (t) => {
  const subject = syntheticSubject(reference, { bug: { name: 'late', strength: 1 } });
  const { verdict, reasons, cases } = assess(subject, reference, { precision: 'bf16' });
  t.is(verdict, 'wrong');
  t.true(
    reasons.some((reason) => /^long: from position 20 to 59, errors are/.test(reason)),
    reasons.join('\n'),
  );
  const [long] = cases;
  t.is(long.verdict, 'wrong');
  t.is(long.first!.position, 20);
  t.regex(long.first!.what, /log-probability of token \d+/);
  t.true(Math.abs(Number(long.first!.got) - Number(long.first!.expected)) > 5 * LEVELS.bf16!);
});

test('a malformed row is a reason of its own, named with its case and position', (t) => {
  const subject = withRow(honest, 'short', 6, (row) => ({ ...row, values: row.values.with(0, Number.NaN) }));
  const { verdict, reasons, cases } = assess(subject, reference, {});
  t.is(verdict, 'wrong');
  t.regex(reasons[0], /^short, position 6: got NaN for id \d+, expected finite scores/);
  t.like(cases[1], { verdict: 'wrong', first: { what: 'values', position: 6 } });
});

test('a wrong greedy token is reported with its case and position', (t) => {
  const [long, short] = honest;
  const least = reference.cases[1].rows[15].ids.at(-1)!;
  const subject = [long, { ...short, greedy: short.greedy!.with(0, least) }];
  const { verdict, reasons, cases, greedy } = assess(subject, reference, {});
  t.is(verdict, 'wrong');
  t.is(greedy.verdict, 'wrong');
  t.regex(reasons[0], /^short, after position 15: greedy token \d+, expected \d+; \d/);
  t.like(cases[1], { verdict: 'wrong', first: { what: 'greedy token', position: 16, got: least } });
});

test('nothing compared is never a pass', (t) => {
  const { verdict, reasons, cases } = assess([], reference, {});
  t.is(verdict, 'unknown');
  t.deepEqual(reasons, ['nothing was compared']);
  t.deepEqual(
    cases.map((one) => one.verdict),
    ['unknown', 'unknown'],
  );
});

test('tokens alone are judged without a class', (t) => {
  const tokens = honest.map(({ id, greedy }) => ({ id, greedy, rows: [] }));
  const { verdict, precision, compared } = assess(tokens, reference, {});
  t.is(verdict, 'right');
  t.is(precision, undefined);
  t.is(compared.rows, 0);
});

test('whether a subject is right is the verdict of its assessment, for every fault and class', (t) => {
  const subjects = new Map([
    ...FAULTS.map(({ name, put }) => [name, put(honest, reference, 'bf16')!] as const),
    ['honest', honest],
    ['greedy tokens alone', honest.map((one) => ({ ...one, rows: [] }))],
    ['nothing', []],
  ]);
  for (const [name, subject] of subjects) {
    for (const precision of ['f32', 'bf16', '4bit'] as const) {
      const { verdict } = assess(subject, reference, { precision });
      t.is(isRight(subject, reference, precision), verdict === 'right', `${name}, ${precision}: ${verdict}`);
    }
  }
});
