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

test('of malformed rows the first is named, and the others are counted', (t) => {
  const broken = (subject: typeof honest, position: number) =>
    withRow(subject, 'short', position, (row) => ({ ...row, values: row.values.with(0, Number.NaN) }));
  const reasonsOf = (subject: typeof honest) => assess(subject, reference, {}).reasons;
  const one = broken(honest, 6);
  const end = 'expected finite scores of distinct ids, at least two';
  t.regex(reasonsOf(one)[0], new RegExp(`^short, position 6: got NaN for id \\d+, ${end}$`));
  const three = reasonsOf(broken(broken(one, 7), 8));
  t.regex(three[0], new RegExp(`^short, position 6: .*${end}, and 2 more such rows$`));
  t.is(three.filter((reason) => reason.includes('NaN')).length, 1);
  const greedyRows = honest[1].greedyRows!.map((row) => ({ ...row, values: row.values.with(0, Number.NaN) }));
  const { greedy } = assess([honest[0], { ...honest[1], greedyRows }], reference, {});
  t.is(greedy.verdict, 'wrong', 'rows of greedy tokens count with them');
});

/** A case's rows, the first `count` of every sixth off by a multiple of the noise of bf16. */
function off(count: number, times: number, { rows = 60 } = {}) {
  const [long, short] = honest;
  const own = long.rows.slice(0, rows).map((row, r) => {
    const isOff = rows < 60 ? r < count : r % 6 === 0 && r < 6 * count;
    if (!isOff) return row;
    const by = times * LEVELS.bf16!;
    return { ...row, values: row.values.map((value, i) => value + (i % 2 ? -by : by)) };
  });
  return assess([{ ...long, rows: own, greedy: undefined, greedyRows: undefined }, short], reference, {
    precision: 'bf16',
  }).cases[0];
}

test('seven rows of a case may be far off, or a part of a few; eight, or half of them, may not', (t) => {
  t.is(off(7, 20).verdict, 'right');
  t.is(off(8, 20).verdict, 'wrong');
  t.is(off(8, 3).verdict, 'right', 'three times the noise is not far off');
  t.is(off(2, 20, { rows: 6 }).verdict, 'right');
  t.is(off(4, 20, { rows: 6 }).verdict, 'wrong');
});

test('the value that is named is the one that is farthest off, above or below; ratios are in order', (t) => {
  const [long, short] = honest;
  for (const by of [9, -9]) {
    const rows = long.rows.map((row) => ({
      ...row,
      values: row.values.map((value, i) => value + (i === 1 ? by : i === 2 ? -by / 3 : 0)),
    }));
    const subject = [{ ...long, rows: rows.toReversed() }, short];
    const { first, ratios } = assess(subject, reference, { precision: 'bf16' }).cases[0];
    t.is(first!.what, `log-probability of token ${long.rows[0].ids![1]}`);
    t.is(first!.position, long.rows[0].position);
    t.is(Math.sign(Number(first!.got) - Number(first!.expected)), Math.sign(by));
    t.deepEqual(
      ratios.map(({ position }) => position),
      long.rows.map(({ position }) => position),
    );
  }
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
  const { verdict, precision, compared, cases } = assess(tokens, reference, {});
  t.deepEqual(
    cases.map((each) => each.verdict),
    ['right', 'right'],
  );
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
