import test from 'ava';
import { judgeGreedy } from '../../../../verify/judge/greedy-verdict.ts';
import type { SubjectCase } from '../../../../verify/judge/judgement.ts';
import { LEVELS, syntheticReference, syntheticSubject } from './synthetic.ts';

const reference = syntheticReference();
const exact = syntheticSubject(reference, { level: 0 });

/** The subject with the token of rank `rank` in place of the likeliest at a step of the case `long`. */
const choosing = (step: number, rank: number): SubjectCase[] =>
  exact.map((one) => {
    if (one.id !== 'long') return one;
    const { rows, promptLength } = reference.cases[0];
    return { ...one, greedy: one.greedy!.toSpliced(step, 1, rows[promptLength - 1 + step].ids[rank]) };
  });

test('the reference’s own tokens are right', (t) => {
  t.like(judgeGreedy(exact, reference, 'bf16'), { verdict: 'right', tokens: 16, ties: 0, regrets: [] });
});

test('an unlikely token is wrong, and reported with its regret', (t) => {
  const { verdict, worst, tokens } = judgeGreedy(choosing(3, 39), reference, 'bf16');
  t.is(verdict, 'wrong');
  t.is(tokens, 8 + 4, 'after it the contexts differ');
  const row = reference.cases[0].rows[52 - 1 + 3];
  t.like(worst!, { case: 'long', position: 54, regret: row.truth[0] - row.truth[39] });
  t.true(worst!.allowed < 10 * LEVELS.bf16!);
});

test('a near-tie is let pass where the noise of the class allows it, and not where it does not', (t) => {
  const steps = [0, 1, 2, 3, 4, 5, 6, 7];
  const margin = (step: number) => reference.cases[0].rows[51 + step].truth;
  const step = steps.sort((a, b) => margin(a)[0] - margin(a)[1] - (margin(b)[0] - margin(b)[1]))[0];
  t.true(margin(step)[0] - margin(step)[1] < 0.3, 'the fixture has a near-tie');
  t.like(judgeGreedy(choosing(step, 1), reference, 'bf16'), { verdict: 'right', ties: 1 });
  t.is(judgeGreedy(choosing(step, 1), reference, 'f32').verdict, 'wrong');
});

test('the noise that explains another token is that of its own row', (t) => {
  // Each row has its own noise: the row of one step that of 4bit, those beside it that of f32.
  const [{ promptLength }] = reference.cases;
  const step = 4;
  const noisyAt = (noisy: number) => ({
    ...reference,
    imitations: reference.imitations.flatMap((imitation) => {
      if (imitation.precision !== 'f32') return [];
      const { cases } = reference.imitations.find(
        (one) => one.precision === '4bit' && one.name.endsWith(imitation.name.slice(-5)),
      )!;
      const rows = imitation.cases.get('long')!.map((row, r) => (r === noisy ? cases.get('long')![r] : row));
      return [{ ...imitation, cases: new Map([...imitation.cases, ['long', rows]]) }];
    }),
  });
  const verdictWith = (noisy: number) => judgeGreedy(choosing(step, 1), noisyAt(noisy), 'f32').verdict;
  const own = promptLength - 1 + step;
  t.deepEqual([own - 1, own, own + 1].map(verdictWith), ['wrong', 'right', 'wrong']);
});

test('a token that only a flip of a router explains is let pass where the model has one', (t) => {
  // Between 6 and 14 times the noise.
  const steps = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((step) =>
    [1, 2, 3].map((rank) => {
      const { truth } = reference.cases[0].rows[51 + step];
      return { step, rank, times: (truth[0] - truth[rank]) / LEVELS.bf16! };
    }),
  );
  const { step, rank } = steps.find(({ times }) => times > 8 && times < 10)!;
  t.is(judgeGreedy(choosing(step, rank), reference, 'bf16').verdict, 'wrong');
  const routed = { ...reference, hasRouter: true };
  t.like(judgeGreedy(choosing(step, rank), routed, 'bf16'), { verdict: 'right', ties: 1 });
  t.is(judgeGreedy(choosing(3, 39), routed, 'bf16').verdict, 'wrong');
});

test('an answer that stops early is wrong', (t) => {
  const short = exact.map((one) => ({ ...one, greedy: one.greedy!.slice(0, 3) }));
  t.is(judgeGreedy(short, reference, 'bf16').verdict, 'wrong');
});

test('without tokens nothing is checked', (t) => {
  const none = exact.map(({ id, rows }) => ({ id, rows }));
  t.like(judgeGreedy(none, reference, 'bf16'), { verdict: 'not checked', tokens: 0, ties: 0 });
});
