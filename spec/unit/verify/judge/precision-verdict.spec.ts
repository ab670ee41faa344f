import test from 'ava';
import { align } from '../../../../verify/judge/align.ts';
import { classNoise } from '../../../../verify/judge/class-noise.ts';
import type { SubjectCase } from '../../../../verify/judge/judgement.ts';
import { isClassRight, judgePrecision } from '../../../../verify/judge/precision-verdict.ts';
import { PRECISION_CLASSES, type PrecisionClass } from '../../../../verify/precision.ts';
import { LEVELS, syntheticReference, syntheticSubject } from './synthetic.ts';

const reference = syntheticReference();

function verdictOf(subject: readonly SubjectCase[], demanded?: PrecisionClass) {
  const { rows } = align(subject, reference);
  return judgePrecision(rows, classNoise(rows, reference), demanded);
}

for (const name of ['f32', 'f16', 'bf16', '8bit'] as const) {
  test(`an engine with the noise of ${name} is in that class`, (t) => {
    const {
      class: found,
      ratio,
      exceptions,
    } = verdictOf(syntheticSubject(reference, { level: LEVELS[name] }));
    t.is(found, name);
    t.true(ratio > 0.7 && ratio < 1.3, `${ratio}`);
    t.deepEqual(exceptions, []);
  });
}

test('noise beyond half a nat is no class: a broken engine could look so', (t) => {
  const { class: found, classes } = verdictOf(syntheticSubject(reference, { level: LEVELS['4bit'] }));
  t.is(found, 'none');
  t.like(classes.at(-1)!, { class: '4bit', judgeable: false, holds: false });
});

test('an engine that makes the roundings of an imitation is in its class, however large they are', (t) => {
  const imitation = reference.imitations.find(({ precision }) => precision === '4bit')!;
  const twin = reference.cases.map(({ id, rows }) => ({
    id,
    rows: rows.map(({ position, ids }, r) => ({ position, ids, values: imitation.cases.get(id)![r] })),
  }));
  t.is(verdictOf(twin).class, '4bit');
  // From position 30 on it has noise of its own.
  const other = reference.imitations.findLast(({ precision }) => precision === '4bit')!;
  const parting = twin.map(({ id, rows }) => ({
    id,
    rows: rows.map((row, r) => (r < 40 ? row : { ...row, values: other.cases.get(id)![r] })),
  }));
  t.is(verdictOf(parting).class, 'none');
});

test('errors that begin at a position are found there', (t) => {
  const subject = syntheticSubject(reference, { bug: { name: 'late', strength: 1 } });
  const { class: found, exceptions } = verdictOf(subject, 'bf16');
  t.is(found, 'none');
  const long = exceptions.find((one) => one.case === 'long')!;
  t.is(long.firstPosition, 20);
  t.is(long.lastPosition, 59);
  t.true(long.ratio > 8);
  const reversed = subject.map((one) => ({ ...one, rows: one.rows.toReversed() }));
  t.deepEqual(verdictOf(reversed, 'bf16').exceptions, exceptions, 'in whatever order the rows come');
});

test('single rows that are far off break no class: an honest router flips', (t) => {
  const subject = syntheticSubject(reference).map((one) => ({
    ...one,
    rows: one.rows.map((row, r) =>
      r % 6 === 0 ? { ...row, values: row.values.map((value, i) => value + (i % 2 ? 2 : -2)) } : row,
    ),
  }));
  t.is(verdictOf(subject).class, 'bf16');
});

test('a class is right if it is found, or as exact as the one demanded, or the one demanded holds too', (t) => {
  const classes = (...holding: string[]) =>
    PRECISION_CLASSES.map((name) => ({ class: name, holds: holding.includes(name) }));
  t.true(isClassRight({ class: '4bit', classes: classes('4bit') }));
  t.false(isClassRight({ class: 'none', classes: classes() }));
  t.true(isClassRight({ class: 'f32', demanded: 'bf16', classes: classes('f32') }));
  t.true(isClassRight({ class: '8bit', demanded: 'bf16', classes: classes('8bit', 'bf16') }));
  t.false(isClassRight({ class: '8bit', demanded: 'bf16', classes: classes('8bit') }));
  t.false(isClassRight({ class: 'none', demanded: '4bit', classes: classes() }));
});

test('the ratio is about the class that is demanded', (t) => {
  const verdict = verdictOf(syntheticSubject(reference), 'f16');
  t.is(verdict.class, 'bf16');
  t.like(verdict, { demanded: 'f16', about: 'f16' });
  t.true(verdict.ratio > 6 && verdict.ratio < 10);
});
