import test from 'ava';
import seedrandom from 'seedrandom';
import { expF32, softmax } from '../../../../engine/kernels/exp.ts';
import {
  argmax,
  createSamplingScratch,
  drawFrom,
  exponentiate,
  TokenSampler,
} from '../../../../engine/serving/sampler.ts';
import { completeSamplingParams, type SamplingOptions } from '../../../../engine/serving/sampling-params.ts';
import { arrayOf } from '../kernels/arrays.ts';

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

test('every id of a vocabulary can be sampled', (t) => {
  const chosen = Array.from({ length: 300 }, (_, id) => argmax(new Float32Array(300).fill(1, id, id + 1)));
  t.deepEqual(chosen, [...chosen.keys()]);
});

const VOCAB = 50;
const LOGITS = arrayOf(VOCAB, 3).map((x) => 3 * x);
const scratch = createSamplingScratch(VOCAB);

function sampler(options: SamplingOptions, sample = 0, prompt: number[] = [4, 4, 8]): TokenSampler {
  const params = completeSamplingParams(options, { vocabSize: VOCAB, eosTokenIds: [argmax(LOGITS)] });
  return new TokenSampler(params, prompt, sample, scratch);
}

const tokens = (of: TokenSampler, count: number, logits = LOGITS) =>
  Array.from({ length: count }, () => of.sample(logits).token);

test('the weights are the numerators of the softmax of the kernels', (t) => {
  const weights = LOGITS.slice();
  exponentiate(weights);
  const max = Math.max(...LOGITS);
  t.deepEqual(
    weights,
    LOGITS.map((logit) => expF32(Math.fround(logit - max))),
  );
  const probabilities = LOGITS.slice();
  softmax(probabilities);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const off = probabilities.map((p, id) => Math.abs(p - weights[id] / total));
  t.true(Math.max(...off) < 1e-7);
});

test('an infinite logit has the weight that it tends to, and NaN has none', (t) => {
  const weights = (...logits: number[]) => {
    const values = Float32Array.from(logits);
    exponentiate(values);
    return [...values];
  };
  t.deepEqual(weights(1, -Infinity, 1), [1, 0, 1]);
  t.deepEqual(weights(1, Infinity, 3e38), [0, 1, 0]);
  t.deepEqual(weights(NaN, 2), [0, 1]);
  t.deepEqual(weights(NaN, NaN), [0, 0]);
});

const DRAWS: [weights: number[], uniform: number, token: number][] = [
  [[1, 2, 1], 0, 0],
  [[1, 2, 1], 0.249, 0],
  [[1, 2, 1], 0.25, 1],
  [[1, 2, 1], 0.749, 1],
  [[1, 2, 1], 0.75, 2],
  [[0, 1, 0, 1, 0], 0, 1],
  [[0, 1, 0, 1, 0], 0.5, 3],
  [[0, 1, 0, 1, 0], 1, 3],
  [[0, 0], 0.5, 0],
];
for (const [weights, uniform, token] of DRAWS) {
  test(`of the weights ${weights} ${uniform} draws token ${token}`, (t) => {
    t.is(drawFrom(Float32Array.from(weights), uniform), token);
  });
}

test('the cumulative sum is in float64', (t) => {
  // In f32, what is added to 2²⁴ one by one would be lost.
  const weights = new Float32Array(1001).fill(1);
  weights[0] = 2 ** 24;
  t.is(drawFrom(weights, (2 ** 24 + 500) / (2 ** 24 + 1000)), 501);
});

test('each token takes one number from the stream of its seed and sample', (t) => {
  const random = seedrandom('42/0');
  const weights = LOGITS.slice();
  exponentiate(weights);
  const expected = Array.from({ length: 30 }, () => drawFrom(weights, random()));
  t.deepEqual(tokens(sampler({ temperature: 1, seed: 42 }), 30), expected);
  t.notDeepEqual(tokens(sampler({ temperature: 1, seed: 42 }, 1), 30), expected);
  t.true(new Set(expected).size > 5, `${expected}`);
});

test('the filters take no random number', (t) => {
  const filtered = sampler({ temperature: 1, topK: 20, topP: 0.9999, minP: 0.01, seed: 5 });
  const plain = sampler({ temperature: 1, seed: 5 });
  const biased = Float32Array.from(LOGITS, (logit, id) => (id === 7 ? 60 : logit));
  t.deepEqual(tokens(filtered, 10, biased), new Array(10).fill(7));
  tokens(plain, 10);
  t.deepEqual(
    tokens(
      filtered,
      1,
      biased.map(() => 0),
    ),
    tokens(
      plain,
      1,
      biased.map(() => 0),
    ),
  );
});

test('each seed and each sample has its own stream; sample 0 has the stream of its seed', (t) => {
  const draws = (seed: number, sample: number) =>
    tokens(sampler({ temperature: 1, seed }, sample), 40).join();
  const all = [draws(1, 0), draws(2, 0), draws(1, 1), draws(1, 2), draws(2, 1), draws(11, 0), draws(1, 11)];
  // Seeds that are the same in their lower 32 bits, or as f64 rounded to fewer digits.
  all.push(draws(1 + 2 ** 32, 0), draws(2 ** 53 - 1, 0), draws(2 ** 53 - 2, 0), draws(2 ** 52, 0));
  t.is(new Set(all).size, all.length);
  t.is(draws(1, 0), all[0]);
  t.is(draws(1, 2), all[3]);
  t.is(tokens(sampler({ temperature: 1, seed: 1, n: 3 }, 0), 40).join(), all[0]);
});

test('temperature 0 is greedy: neither seed nor filters change a token', (t) => {
  const best = argmax(LOGITS);
  for (const options of [{}, { seed: 9 }, { topK: 2, topP: 0, minP: 1 }]) {
    t.deepEqual(tokens(sampler(options), 3), [best, best, best]);
  }
});

test('greedy tokens obey bias, penalties and the minimum of new tokens', (t) => {
  const best = argmax(LOGITS);
  t.is(sampler({ logitBias: { 30: 100 } }).sample(LOGITS).token, 30);
  t.is(sampler({ logitBias: { [best]: -100 } }).sample(LOGITS).token === best, false);
  const shy = tokens(sampler({ presencePenalty: 2, frequencyPenalty: 2 }), 12);
  t.is(shy[0], best);
  t.true(new Set(shy).size > 6, `${shy}`);
  // The best token is the end-of-sequence token here.
  const late = tokens(sampler({ minNewTokens: 2 }), 3);
  t.deepEqual(
    late.map((token) => token === best),
    [false, false, true],
  );
});

test('the repetition penalty is for prompt and generated tokens, presence and frequency are for generated ones', (t) => {
  const flat = new Float32Array(VOCAB).fill(1);
  const next = (options: SamplingOptions) => tokens(sampler(options, 0, [0, 1, 1, 3]), 4, flat);
  t.deepEqual(next({ repetitionPenalty: 2 }), [2, 4, 5, 6]);
  t.deepEqual(next({ presencePenalty: 1 }), [0, 1, 2, 3]);
  t.deepEqual(next({ frequencyPenalty: 1 }), [0, 1, 2, 3]);
});

test('a sampler counts the tokens it has generated', (t) => {
  const one = sampler({});
  t.deepEqual([...one.generated], []);
  const best = argmax(LOGITS);
  tokens(one, 3);
  tokens(one, 2, new Float32Array(VOCAB));
  t.deepEqual(
    [...one.generated].sort(),
    [
      [0, 2],
      [best, 3],
    ].sort(),
  );
  t.deepEqual([...sampler({}).generated], []);
});

test("log-probabilities are of the model's logits, not of the processed ones", (t) => {
  const plain = sampler({ logprobs: 3 }).sample(LOGITS);
  t.deepEqual(plain.logprobs!.top[0], { token: plain.token, logprob: plain.logprobs!.logprob });
  const options = { temperature: 0.2, topK: 1, logitBias: { 30: 100 }, repetitionPenalty: 3, logprobs: 3 };
  const changed = sampler(options).sample(LOGITS);
  t.is(changed.token, 30);
  t.is(changed.logprobs!.token, 30);
  t.deepEqual(changed.logprobs!.top, plain.logprobs!.top);
  const greedy = sampler({ ...options, temperature: 0 }).sample(LOGITS);
  t.is(greedy.token, 30);
  t.deepEqual(greedy.logprobs, changed.logprobs, 'greedy');
  t.true(changed.logprobs!.logprob < plain.logprobs!.logprob);
  t.is(sampler({}).sample(LOGITS).logprobs, undefined);
  t.deepEqual(sampler({ logprobs: 0 }).sample(LOGITS).logprobs!.top, []);
});

test("sampling does not change the engine's logits", (t) => {
  const before = LOGITS.slice();
  const options = {
    temperature: 0.5,
    topK: 9,
    topP: 0.9,
    minP: 0.1,
    logitBias: { 1: 5 },
    minNewTokens: 9,
    logprobs: 3,
  };
  tokens(sampler(options), 3);
  tokens(sampler({ presencePenalty: 1, repetitionPenalty: 2, logprobs: 2 }), 3);
  t.deepEqual(LOGITS, before);
});
