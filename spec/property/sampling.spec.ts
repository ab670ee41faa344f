import test from 'ava';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { keepMinP, keepTopK, keepTopP, processLogits } from '../../engine/serving/logits-processors.ts';
import { createSamplingScratch, exponentiate, TokenSampler } from '../../engine/serving/sampler.ts';
import { completeSamplingParams, type SamplingOptions } from '../../engine/serving/sampling-params.ts';
import {
  EOS,
  ids,
  naiveMinP,
  naiveProbabilities,
  naiveTopK,
  naiveTopP,
  sum,
} from '../support/serving/naive-sampling.ts';
import { arrayOf } from '../unit/engine/kernels/arrays.ts';

const RUN = { seed: 20261122, numRuns: 400 };
function newSampler(options: SamplingOptions, vocabSize: number, sample = 0, prompt: number[] = []) {
  const params = completeSamplingParams(options, { vocabSize, eosTokenIds: [EOS] });
  return new TokenSampler(params, prompt, sample, createSamplingScratch(vocabSize));
}

const kept = (scores: ArrayLike<number>, lowest: number) =>
  ids(scores.length).filter((id) => scores[id] > lowest);

function assertSame(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: got ${a}, expected ${b}`);
}

/** Logits with many ties: few values, and sums of their weights that are exact. */
const tied = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 40 });
const mixed = fc.oneof(
  tied,
  fc
    .record({ length: fc.integer({ min: 1, max: 200 }), seed: fc.nat() })
    .map(({ length, seed }) => Array.from(arrayOf(length, seed), (x) => Math.fround(8 * x))),
);

test('top-k keeps what HuggingFace keeps, ties included, and at least k', (t) => {
  fc.assert(
    fc.property(mixed, fc.integer({ min: 1, max: 210 }), (logits, k) => {
      const scores = Float32Array.from(logits);
      keepTopK(scores, k, new Float32Array(logits.length));
      assertSame([...scores].map(String), naiveTopK(logits, k).map(String), `top-${k}`);
      const count = kept(scores, -Infinity).length;
      const isDistinct = new Set(logits).size === logits.length;
      if (count < Math.min(k, logits.length)) throw new Error(`${count} of ${k} kept`);
      if (isDistinct) assertSame(count, Math.min(k, logits.length), 'number of tokens kept');
    }),
    RUN,
  );
  t.pass();
});

test('top-p keeps what HuggingFace keeps, the lower ids of equals', (t) => {
  fc.assert(
    fc.property(mixed, fc.integer({ min: 0, max: 63 }), (logits, p64) => {
      const weights = Float32Array.from(logits, (logit) => 2 ** Math.round(logit));
      const largest = Math.max(...weights);
      for (let id = 0; id < weights.length; id++) weights[id] /= largest;
      const p = p64 / 64;
      const expected = kept(naiveTopP(Array.from(weights, Math.log), p), -Infinity);
      const before = weights.slice();
      keepTopP(weights, p, new Float32Array(weights.length));
      const actual = kept(weights, 0);
      // Logarithms and back are not exact, and a sum may lie exactly at p: then one more or less is right as
      // well.
      const target = p * sum([...before]);
      const mass = sum(actual.map((id) => before[id]));
      const least = Math.min(...actual.map((id) => before[id]));
      if (mass < target) throw new Error(`${mass} of ${target} kept`);
      if (actual.length > 1 && mass - least >= target) throw new Error(`${actual} are more than needed`);
      if (mass !== target) assertSame(actual, expected, `top-p ${p}`);
    }),
    RUN,
  );
  t.pass();
});

test('min-p keeps what HuggingFace keeps', (t) => {
  fc.assert(
    fc.property(mixed, fc.double({ min: 0.0001, max: 1, noNaN: true }), (logits, p) => {
      const weights = Float32Array.from(logits);
      exponentiate(weights);
      keepMinP(weights, p);
      assertSame(kept(weights, 0), kept(naiveMinP(logits, p), -Infinity), `min-p ${p}`);
    }),
    RUN,
  );
  t.pass();
});

const VOCAB = 40;
const token = fc.integer({ min: 0, max: VOCAB - 1 });
const anyOptions = fc.record(
  {
    temperature: fc.double({ min: 0.3, max: 3, noNaN: true }),
    topK: fc.integer({ min: 0, max: 45 }),
    topP: fc.double({ min: 0.05, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 0.3, noNaN: true }),
    repetitionPenalty: fc.double({ min: 0.5, max: 3, noNaN: true }),
    presencePenalty: fc.double({ min: -2, max: 2, noNaN: true }),
    frequencyPenalty: fc.double({ min: -2, max: 2, noNaN: true }),
    logitBias: fc.dictionary(token.map(String), fc.double({ min: -9, max: 9, noNaN: true }), { maxKeys: 4 }),
    minNewTokens: fc.integer({ min: 0, max: 8 }),
    seed: fc.nat(),
  },
  { requiredKeys: ['temperature', 'seed'] },
);
const prompts = fc.array(token, { minLength: 1, maxLength: 12 });

test('each token is the one that the naive pipeline draws with the same random number', (t) => {
  let [compared, undecided] = [0, 0];
  fc.assert(
    fc.property(anyOptions, prompts, fc.nat(), (options, prompt, seed) => {
      const random = seedrandom(`${options.seed}/0`);
      const sampler = newSampler(options, VOCAB, 0, prompt);
      const generated: number[] = [];
      for (let step = 0; step < 12; step++) {
        const logits = arrayOf(VOCAB, seed + step).map((x) => 5 * x);
        const probabilities = naiveProbabilities(logits, options, prompt, generated);
        const uniform = random();
        const sampled = sampler.sample(logits).token;
        generated.push(sampled);
        let cumulative = 0;
        const bounds = probabilities.map((probability) => (cumulative += probability));
        const expected = bounds.findIndex((bound) => bound > uniform);
        compared++;
        // f32 and float64 may part where a number falls on the border of two tokens.
        if (bounds.some((bound) => Math.abs(bound - uniform) < 1e-5)) undecided++;
        else assertSame(sampled, expected, `step ${step} of ${JSON.stringify({ options, prompt, seed })}`);
      }
    }),
    RUN,
  );
  t.true(undecided < compared / 1000, `${undecided} of ${compared} draws were on a border`);
});

test('ids have no meaning: permuted logits give permuted scores and the same tokens kept', (t) => {
  fc.assert(
    fc.property(anyOptions, prompts, prompts, fc.nat(), (options, prompt, generated, seed) => {
      const random = seedrandom(`permutation ${seed}`);
      const order = ids(VOCAB)
        .map((id) => ({ id, key: random() }))
        .sort((a, b) => a.key - b.key)
        .map(({ id }) => id);
      const logits = arrayOf(VOCAB, seed).map((x) => 5 * x);
      const run = (rename: (id: number) => number) => {
        const { logitBias = {}, topK = 0, topP = 1, minP = 0 } = options;
        const renamed = Object.entries(logitBias).map(([id, bias]) => [rename(Number(id)), bias]);
        const params = completeSamplingParams(
          { ...options, logitBias: Object.fromEntries(renamed) },
          { vocabSize: VOCAB, eosTokenIds: [rename(EOS)] },
        );
        const scores = new Float32Array(VOCAB);
        for (const [id, logit] of logits.entries()) scores[rename(id)] = logit;
        const counts = generated.map((id): [number, number] => [
          rename(id),
          generated.filter((other) => other === id).length,
        ]);
        const history = { prompt: new Set(prompt.map(rename)), generated: new Map(counts) };
        processLogits(scores, params, { ...history, numGenerated: generated.length });
        const scratch = new Float32Array(VOCAB);
        if (topK > 0) keepTopK(scores, topK, scratch);
        exponentiate(scores);
        if (topP < 1) keepTopP(scores, topP, scratch);
        if (minP > 0) keepMinP(scores, minP);
        return ids(VOCAB).map((id) => scores[rename(id)]);
      };
      assertSame(
        run((id) => order[id]),
        run((id) => id),
        'weights',
      );
    }),
    RUN,
  );
  t.pass();
});

test('presence and frequency penalties never count the prompt', (t) => {
  const penalties = fc.record({
    presencePenalty: fc.double({ min: -2, max: 2, noNaN: true }),
    frequencyPenalty: fc.double({ min: -2, max: 2, noNaN: true }),
  });
  fc.assert(
    fc.property(penalties, prompts, prompts, fc.nat(), (options, one, other, seed) => {
      const logits = arrayOf(VOCAB, seed);
      const run = (prompt: number[]) => {
        const sampler = newSampler({ ...options, temperature: 1, seed }, VOCAB, 0, prompt);
        return ids(10).map(() => sampler.sample(logits).token);
      };
      assertSame(run(one), run(other), 'tokens after another prompt');
    }),
    RUN,
  );
  t.pass();
});

test('requests that share one scratch have the same tokens as alone', (t) => {
  const turns = fc.array(fc.nat(3), { minLength: 1, maxLength: 60 });
  const requests = fc.array(fc.tuple(anyOptions, prompts), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(requests, turns, fc.nat(), (all, order, seed) => {
      const scratch = createSamplingScratch(VOCAB);
      const start = (index: number) => {
        const [options, prompt] = all[index];
        const params = completeSamplingParams(options, { vocabSize: VOCAB, eosTokenIds: [EOS] });
        return new TokenSampler(params, prompt, index, scratch);
      };
      const logits = (index: number, step: number) => arrayOf(VOCAB, seed + 100 * index + step);
      const together = ids(4).map(start);
      const tokens = ids(4).map((): number[] => []);
      for (const index of order) {
        const step = tokens[index].length;
        tokens[index].push(together[index].sample(logits(index, step)).token);
      }
      for (const index of ids(4)) {
        const sampler = start(index);
        const alone = tokens[index].map((_, step) => sampler.sample(logits(index, step)).token);
        assertSame(tokens[index], alone, `tokens of request ${index}`);
        assertSame([...together[index].generated], [...sampler.generated], `counts of request ${index}`);
      }
    }),
    { ...RUN, numRuns: 150 },
  );
  t.pass();
});
