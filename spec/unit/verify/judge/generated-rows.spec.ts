import test from 'ava';
import { generatedCases, judgeGenerated } from '../../../../verify/judge/generated-rows.ts';
import type { SubjectCase } from '../../../../verify/judge/judgement.ts';
import type { TokenScores } from '../../../../verify/subject.ts';
import { syntheticReference, syntheticSubject } from './synthetic.ts';

const reference = syntheticReference({ a: 24, b: 20, c: 18, d: 16 });
const honest = syntheticSubject(reference);
const buggy = syntheticSubject(reference, { bug: { name: 'everywhere', strength: 1 } });

/** The honest subject with some rows of greedy tokens changed. */
const changed = (change: (row: TokenScores, step: number, i: number) => TokenScores): SubjectCase[] =>
  honest.map((one, i) => ({ ...one, greedyRows: one.greedyRows!.map((row, step) => change(row, step, i)) }));

test('rows within the noise of the class are right', (t) => {
  const { rows, ratio, reasons, problems } = judgeGenerated(honest, reference, 'bf16');
  t.is(rows.length, 4 * 8);
  t.true(ratio! > 0.7 && ratio! < 1.4, `${ratio}`);
  t.deepEqual([reasons, problems], [[], []]);
});

test('wrong rows of decoding and of first tokens have reasons of their own', (t) => {
  for (const [isWrong, message] of [
    [(step: number) => step > 0, /^errors in the rows of decoded tokens are [\d.]+ times the noise of bf16$/],
    [(step: number) => step === 0, /^errors in the rows of first tokens are [\d.]+ times the noise of bf16$/],
  ] as const) {
    const wrong = changed((row, step, i) => (isWrong(step) ? buggy[i].greedyRows![step] : row));
    const { reasons } = judgeGenerated(wrong, reference, 'bf16');
    t.is(reasons.length, 1);
    t.regex(reasons[0], message);
  }
});

test('three rows alone are no sample, whatever they say', (t) => {
  const wrong = changed((row, step, i) => (step === 0 && i > 0 ? buggy[i].greedyRows![0] : row));
  t.deepEqual(judgeGenerated(wrong.slice(1), reference, 'bf16').reasons, []);
});

test('rows are compared up to the first token that is not the reference’s', (t) => {
  const flipped = honest.map((one) => ({ ...one, greedy: one.greedy!.with(2, 39) }));
  t.deepEqual(
    generatedCases(flipped, reference).map(({ rows }) => rows.map(({ position }) => position)),
    [16, 12, 10, 8].map((promptLength) => [promptLength - 1, promptLength, promptLength + 1]),
  );
  t.deepEqual(generatedCases([{ id: 'a', rows: [], greedy: [1] }], reference), []);
});

test('a row that is not finite is a problem of its case', (t) => {
  const wrong = changed((row, step, i) =>
    step === 1 && i === 2 ? { ...row, values: row.values.with(0, Number.NaN) } : row,
  );
  t.like(judgeGenerated(wrong, reference, 'bf16').problems, [{ case: 'c', position: 10 }]);
});
