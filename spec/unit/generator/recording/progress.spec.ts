import test from 'ava';
import { progressLines } from '../../../../generator/recording/progress.ts';

/** Half-way through the second of four cases. */
const HALF = { model: 'dense', case: 'ids-one', done: 1, total: 4, tokens: 8, maxNewTokens: 15 };
const BEGIN = { ...HALF, done: 0, tokens: 0 };

/** The line at HALF, `elapsedMs` after the first report. */
function lineAfter(elapsedMs: number): string {
  let now = 100_000;
  const lineOf = progressLines(() => now);
  lineOf(BEGIN);
  now += elapsedMs;
  return lineOf(HALF);
}

test('a line has model, case, cases and tokens done, and the time left for the model', (t) => {
  // 1.5 of 4 cases took 3 s.
  t.is(lineAfter(3000), 'dense · ids-one (2/4) · token 8/15 · about 5 s left for dense');
});

test('time left is rounded up', (t) => {
  t.regex(lineAfter(3001), /about 6 s left/);
});

test('the first line of a model estimates no time', (t) => {
  t.is(progressLines()(BEGIN), 'dense · ids-one (1/4) · token 0/15');
});

test('the time of each model counts from its own first report', (t) => {
  let now = 100_000;
  const lineOf = progressLines(() => now);
  lineOf(BEGIN);
  now += 60_000;
  lineOf({ ...BEGIN, model: 'moe' });
  now += 1000;
  t.is(lineOf({ ...HALF, model: 'moe' }), 'moe · ids-one (2/4) · token 8/15 · about 2 s left for moe');
});
