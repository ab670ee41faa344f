import test from 'ava';
import { argmax } from '../../../../engine/serving/sampler.ts';

const CASES: [string, number[], number][] = [
  ['the largest logit is chosen', [1, -5, 7, 3], 2],
  ['the first may be the largest', [9, 1, 2], 0],
  ['the last may be the largest', [-3, -2, -1], 2],
  ['of equal ones the lowest index is chosen', [0, 4, 4, 2, 4], 1],
  ['0 and −0 are equal', [-0, 0], 0],
  ['infinity is larger than any number', [3e38, Infinity, 1], 1],
  ['minus infinity is smaller than any number', [-Infinity, -3e38, -Infinity], 1],
  ['of nothing but minus infinity the first is chosen', [-Infinity, -Infinity], 0],
  ['NaN at the beginning is never the largest', [NaN, NaN, -Infinity, 2], 3],
  ['NaN in the middle is never the largest', [1, NaN, 0], 0],
  ['NaN at the end is never the largest', [-Infinity, NaN], 0],
  ['minus infinity is larger than NaN', [NaN, -Infinity], 1],
  ['of one there is no choice', [-2], 0],
];

for (const [title, logits, expected] of CASES) {
  test(title, (t) => {
    t.is(argmax(Float32Array.from(logits)), expected);
  });
}

test('every place of a vocabulary can be chosen', (t) => {
  const chosen = Array.from({ length: 300 }, (_, id) => argmax(new Float32Array(300).fill(1, id, id + 1)));
  t.deepEqual(chosen, [...chosen.keys()]);
});
