import test from 'ava';
import { logSumExp, rankOf, tokenLogprobs } from '../../../../engine/serving/logprobs.ts';

const logprobs = (logits: number[], token: number, topN: number) =>
  tokenLogprobs(Float32Array.from(logits), token, topN, new Float32Array(logits.length));

test('log-probabilities are natural logarithms', (t) => {
  const { token, logprob, top } = logprobs([Math.log(1), Math.log(2), Math.log(5)], 1, 3);
  t.is(token, 1);
  t.true(Math.abs(logprob - Math.log(0.25)) < 1e-7, `${logprob}`);
  t.deepEqual(
    top.map((entry) => entry.token),
    [2, 1, 0],
  );
  t.true(Math.abs(top[0].logprob - Math.log(0.625)) < 1e-7, `${top[0].logprob}`);
  t.is(top[1].logprob, logprob);
});

test('log-probabilities have the precision of float64', (t) => {
  const logits = [0.1, -3, 2.5].map(Math.fround);
  const sum = Math.log(logits.reduce((total, logit) => total + Math.exp(logit), 0));
  t.true(Math.abs(logprobs(logits, 1, 0).logprob - (-3 - sum)) < 1e-14);
});

test('of equal logits the lower ids come first', (t) => {
  const ids = (n: number) => logprobs([3, 7, 3, 7, 3, 1], 0, n).top.map(({ token }) => token);
  t.deepEqual(ids(0), []);
  t.deepEqual(ids(1), [1]);
  t.deepEqual(ids(3), [1, 3, 0]);
  t.deepEqual(ids(4), [1, 3, 0, 2]);
  t.deepEqual(ids(6), [1, 3, 0, 2, 4, 5]);
});

test('a rank counts the tokens before, of equal ones those with lower ids', (t) => {
  const logits = Float32Array.of(3, 7, 3, 7, -Infinity, 1);
  t.deepEqual(
    Array.from(logits.keys(), (token) => rankOf(logits, token)),
    [3, 1, 4, 2, 6, 5],
  );
});

test('a token outside the top N has its log-probability all the same', (t) => {
  const { logprob, top } = logprobs([0, 9, 8], 0, 1);
  t.is(top.length, 1);
  t.true(logprob < top[0].logprob - 8.9);
});

test('large logits do not overflow', (t) => {
  t.is(logSumExp(Float32Array.of(3e38, 0)), Math.fround(3e38));
  t.is(logSumExp(Float32Array.of(-1000, -1000)), -1000 + Math.log(2));
});

test('an impossible token has minus infinity, and still its rank', (t) => {
  const { logprob, top } = logprobs([-Infinity, 2, -Infinity], 2, 3);
  t.is(logprob, -Infinity);
  t.deepEqual(top, [
    { token: 1, logprob: 0 },
    { token: 0, logprob: -Infinity },
    { token: 2, logprob: -Infinity },
  ]);
});

test('the logits are not changed', (t) => {
  const logits = Float32Array.of(4, -1, 9);
  const before = logits.slice();
  tokenLogprobs(logits, 1, 2, new Float32Array(3));
  t.deepEqual(logits, before);
});
