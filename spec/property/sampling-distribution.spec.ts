import test from 'ava';
import { createSamplingScratch, TokenSampler } from '../../engine/serving/sampler.ts';
import { completeSamplingParams, type SamplingOptions } from '../../engine/serving/sampling-params.ts';
import { EOS, ids, naiveProbabilities, sum } from '../support/serving/naive-sampling.ts';

// Chi-square tests. All seeds are fixed, so they cannot fail by chance, only by a change.

const LOGITS = Float32Array.of(1.9, 0.3, 0.2, 2.4, -0.5, 1.9, -3, 0.9, 1.2, -1.1, 2.1, 0.4);
const VOCAB = LOGITS.length;
const SEEDS = 6000;
const scratch = createSamplingScratch(VOCAB);

/** The value that is exceeded with probability 0.001 under the hypothesis (Wilson and Hilferty, 1931). */
function critical(degreesOfFreedom: number): number {
  const part = 2 / (9 * degreesOfFreedom);
  return degreesOfFreedom * (1 - part + 3.09 * Math.sqrt(part)) ** 3;
}

/** @returns chi-square over its critical value; infinite if an impossible event happened. */
function misfit(observed: readonly number[], probabilities: readonly number[]): number {
  const total = sum(observed);
  const possible = ids(observed.length).filter((i) => probabilities[i] > 0);
  if (sum(possible.map((i) => observed[i])) !== total) return Infinity;
  const terms = possible.map(
    (i) => (observed[i] - total * probabilities[i]) ** 2 / (total * probabilities[i]),
  );
  return sum(terms) / critical(Math.max(1, possible.length - 1));
}

function histogram(tokens: readonly number[], cells = VOCAB): number[] {
  const counts = new Array(cells).fill(0);
  for (const token of tokens) counts[token]++;
  return counts;
}

function newSampler(options: SamplingOptions, sample = 0): TokenSampler {
  const params = completeSamplingParams(options, { vocabSize: VOCAB, eosTokenIds: [EOS] });
  return new TokenSampler(params, [3, 6, 6], sample, scratch);
}

const CASES: [options: SamplingOptions, kept: number][] = [
  [{ temperature: 1 }, 12],
  [{ temperature: 0.5 }, 12],
  [{ temperature: 2.5 }, 12],
  [{ temperature: 1, topK: 4 }, 4],
  [{ temperature: 1, topK: 3 }, 4],
  [{ temperature: 1, topP: 0.7 }, 4],
  [{ temperature: 2, topP: 0.7 }, 6],
  [{ temperature: 1, minP: 0.2 }, 6],
  [{ temperature: 0.7, topK: 7, topP: 0.9, minP: 0.15 }, 5],
  [{ temperature: 1, repetitionPenalty: 1.8, minNewTokens: 1, logitBias: { 4: 2 } }, 11],
];
for (const [options, kept] of CASES) {
  const probabilities = naiveProbabilities(LOGITS, options, [3, 6, 6], []);

  test(`the first tokens of many seeds are distributed as they should: ${JSON.stringify(options)}`, (t) => {
    t.is(probabilities.filter((probability) => probability > 0).length, kept);
    const tokens = ids(SEEDS).map((seed) => newSampler({ ...options, seed }).sample(LOGITS).token);
    const fit = misfit(histogram(tokens), probabilities);
    t.true(fit < 1, `chi-square is ${fit} times its critical value: ${histogram(tokens)}`);
  });
}

test('the many tokens of one seed are distributed as they should', (t) => {
  const sampler = newSampler({ temperature: 1, seed: 77 });
  const tokens = ids(SEEDS).map(() => sampler.sample(LOGITS).token);
  const fit = misfit(histogram(tokens), naiveProbabilities(LOGITS, { temperature: 1 }, [], []));
  t.true(fit < 1, `chi-square is ${fit} times its critical value: ${histogram(tokens)}`);
});

const FOUR = Float32Array.of(1, 0.5, 0, 0.8);
const PAIRS: [title: string, pair: (seed: number) => [number, number]][] = [
  ['two samples of a request', (seed) => [first({ seed }, 0), first({ seed }, 1)]],
  ['requests with neighbouring seeds', (seed) => [first({ seed: 2 * seed }), first({ seed: 2 * seed + 1 })]],
  ['the first and second token of a request', (seed) => twoTokens(seed)],
];

function fourTokens(options: SamplingOptions, sample: number): () => number {
  const params = completeSamplingParams({ temperature: 1, ...options }, { vocabSize: 4, eosTokenIds: [] });
  const sampler = new TokenSampler(params, [], sample, createSamplingScratch(4));
  return () => sampler.sample(FOUR).token;
}

function first(options: SamplingOptions, sample = 0): number {
  return fourTokens(options, sample)();
}

function twoTokens(seed: number): [number, number] {
  const next = fourTokens({ seed }, 0);
  return [next(), next()];
}

for (const [title, pair] of PAIRS) {
  test(`${title} are independent`, (t) => {
    const single = naiveProbabilities(FOUR, {}, [], []);
    const joint = single.flatMap((a) => single.map((b) => a * b));
    const cells = ids(SEEDS / 2).map((seed) => {
      const [a, b] = pair(seed);
      return 4 * a + b;
    });
    const fit = misfit(histogram(cells, 16), joint);
    t.true(fit < 1, `chi-square is ${fit} times its critical value: ${histogram(cells, 16)}`);
  });
}

test('the test itself finds a temperature that is a tenth off', (t) => {
  const tokens = ids(SEEDS).map((seed) => newSampler({ temperature: 1.1, seed }).sample(LOGITS).token);
  const fit = misfit(histogram(tokens), naiveProbabilities(LOGITS, { temperature: 1 }, [], []));
  t.true(fit > 1, `chi-square is only ${fit} times its critical value`);
});
