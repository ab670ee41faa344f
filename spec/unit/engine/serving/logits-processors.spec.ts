import {
  env,
  MinNewTokensLengthLogitsProcessor,
  RepetitionPenaltyLogitsProcessor,
  TemperatureLogitsWarper,
  Tensor,
  TopKLogitsWarper,
  TopPLogitsWarper,
} from '@huggingface/transformers';
import test from 'ava';
import {
  addLogitBias,
  divideByTemperature,
  forbidTokens,
  hasProcessors,
  keepMinP,
  keepTopK,
  keepTopP,
  kthLargest,
  penaliseGenerated,
  penaliseRepetition,
  processLogits,
} from '../../../../engine/serving/logits-processors.ts';
import { completeSamplingParams, type SamplingOptions } from '../../../../engine/serving/sampling-params.ts';
import { arrayOf } from '../kernels/arrays.ts';

const VOCAB = 300;
const LOGITS = arrayOf(VOCAB, 7).map((x) => 12 * x);
const f32 = (...values: number[]) => Float32Array.from(values);
const params = (options: SamplingOptions) =>
  completeSamplingParams(options, { vocabSize: VOCAB, eosTokenIds: [1, 2] });
const counts = (ids: readonly number[]) =>
  new Map(ids.map((id) => [id, ids.filter((other) => other === id).length]));

type Processor = { _call(ids: bigint[][], logits: Tensor): Tensor };

/** A copy of the logits, processed by transformers.js. */
function theirs(processor: Processor, ids: readonly number[]): Float32Array {
  const tensor = new Tensor('float32', LOGITS.slice(), [1, VOCAB]);
  return processor._call([ids.map(BigInt)], tensor).data as Float32Array;
}

/** The same, processed by one of ours. */
function ours(change: (logits: Float32Array) => void): Float32Array {
  const logits = LOGITS.slice();
  change(logits);
  return logits;
}

const PROMPT = [5, 9, 9, 40, 299];
const GENERATED = [40, 7, 7, 0];

for (const penalty of [0.7, 1.2, 2]) {
  test(`repetition penalty ${penalty}: the bits of transformers.js ${env.version}`, (t) => {
    const expected = theirs(new RepetitionPenaltyLogitsProcessor(penalty), [...PROMPT, ...GENERATED]);
    const history = { prompt: new Set(PROMPT), generated: counts(GENERATED) };
    const actual = ours((logits) => penaliseRepetition(logits, history, penalty));
    t.deepEqual(actual, expected);
    t.is(LOGITS.filter((logit, id) => logit !== expected[id]).length, 6);
  });
}

for (const temperature of [0.1, 0.6, 1.3, 100]) {
  test(`temperature ${temperature}: the bits of transformers.js ${env.version}`, (t) => {
    const expected = theirs(new TemperatureLogitsWarper(temperature), PROMPT);
    t.deepEqual(
      ours((logits) => divideByTemperature(logits, temperature)),
      expected,
    );
    t.notDeepEqual(expected, LOGITS);
  });
}

for (const numGenerated of [0, 3, 4, 5]) {
  test(`stop tokens after ${numGenerated} of at least 4 tokens: as transformers.js ${env.version}`, (t) => {
    const generated = Array.from({ length: numGenerated }, (_, i) => i);
    const processor = new MinNewTokensLengthLogitsProcessor(PROMPT.length, 4, [1, 2]);
    const expected = theirs(processor, [...PROMPT, ...generated]);
    const history = { prompt: new Set(PROMPT), generated: counts(generated), numGenerated };
    t.deepEqual(
      ours((logits) => processLogits(logits, params({ minNewTokens: 4 }), history)),
      expected,
    );
    t.is(expected[2] === -Infinity, numGenerated < 4);
  });
}

test(`transformers.js ${env.version} does not compute top-k and top-p itself`, (t) => {
  // Should it begin to, compare with it here too.
  for (const warper of [new TopKLogitsWarper(3), new TopPLogitsWarper(0.5)]) {
    t.throws(() => theirs(warper as unknown as Processor, PROMPT), { message: /should be implemented in/ });
  }
});

test('a bias is added to its token, and each result rounded to f32', (t) => {
  const logits = f32(1, -2, 3);
  addLogitBias(logits, [
    [0, 0.1],
    [2, -100],
  ]);
  t.deepEqual(logits, f32(1 + Math.fround(0.1), -2, -97));
});

test('presence counts a generated token once, frequency every time, and the prompt counts for neither', (t) => {
  const logits = f32(1, 1, 1, 1);
  penaliseGenerated(logits, counts([2, 0, 2, 2]), 0.5, 0.25);
  t.deepEqual(logits, f32(0.25, 1, -0.25, 1));
  const history = { prompt: new Set([1, 3]), generated: counts([2, 2, 5]), numGenerated: 3 };
  for (const [presencePenalty, frequencyPenalty] of [
    [1, 0.25],
    [-1, 0],
    [0, 0.25],
  ]) {
    const all = new Float32Array(VOCAB);
    processLogits(all, params({ presencePenalty, frequencyPenalty }), history);
    const changed = [...all].flatMap((logit, id) => (logit === 0 ? [] : [[id, logit]]));
    t.deepEqual(changed, [
      [2, -presencePenalty - 2 * frequencyPenalty],
      [5, -presencePenalty - frequencyPenalty],
    ]);
  }
});

test('the frequency penalty is rounded before the presence penalty, as by vLLM', (t) => {
  const logits = f32(1);
  // 1 − 2⁻²⁵ is rounded to 1, twice; together they would be 2⁻²⁴.
  penaliseGenerated(logits, counts([0]), 2 ** -25, 2 ** -25);
  t.is(logits[0], 1);
  // The frequency's takes the logit to 2⁻²⁵, exactly; the presence's first would be lost.
  const small = f32(1 + 2 ** -20);
  penaliseGenerated(small, counts([0]), 2 ** -25, 1);
  t.is(small[0], 2 ** -20 - 2 ** -25);
});

test('a negative penalty encourages', (t) => {
  const logits = f32(1, 1);
  penaliseGenerated(logits, counts([1, 1]), -0.5, -1);
  t.deepEqual(logits, f32(1, 3.5));
});

test('the bias comes before the repetition penalty, the other penalties after it, the stop tokens last', (t) => {
  const options = { logitBias: { 1: 4, 5: 4 }, repetitionPenalty: 2, presencePenalty: 1, minNewTokens: 2 };
  const logits = new Float32Array(VOCAB).fill(2);
  processLogits(logits, params(options), {
    prompt: new Set([5]),
    generated: counts([6]),
    numGenerated: 1,
  });
  // (2 + 4) / 2 of a biased token of the prompt; 2 / 2 − 1 of a generated one.
  t.deepEqual([logits[0], logits[1], logits[2], logits[5], logits[6]], [2, -Infinity, -Infinity, 3, 0]);
});

test('end-of-sequence ids beyond the vocabulary forbid nothing', (t) => {
  const logits = f32(1, 2);
  forbidTokens(logits, [1, 2, 77]);
  t.deepEqual(logits, f32(1, -Infinity));
});

test('only parameters that change logits need a copy of them', (t) => {
  const idle = { temperature: 2, topK: 3, topP: 0.5, minP: 0.1, stopTokenIds: [3], logprobs: 4, seed: 3 };
  t.false(hasProcessors(params(idle)));
  for (const options of [
    { logitBias: { 3: 1 } },
    { repetitionPenalty: 1.1 },
    { presencePenalty: -1 },
    { frequencyPenalty: 0.1 },
    { minNewTokens: 1 },
  ]) {
    t.true(hasProcessors(params(options)), JSON.stringify(options));
  }
});

const INF = Infinity;
const TOP_K: [k: number, logits: number[], kept: number[]][] = [
  [1, [1, 5, 3], [1]],
  [2, [1, 5, 3], [1, 2]],
  [3, [1, 5, 3], [0, 1, 2]],
  [9, [1, 5, 3], [0, 1, 2]],
  [2, [4, 5, 4, 4, 3], [0, 1, 2, 3]],
  [2, [-0, 5, 0, -1], [0, 1, 2]],
  [1, [2, 2, 2], [0, 1, 2]],
  [2, [-INF, 5, -INF], [1]],
  [2, [NaN, 5, 4, 3], [1, 2]],
];
for (const [k, logits, kept] of TOP_K) {
  test(`of ${logits} top-k ${k} keeps the tokens ${kept}`, (t) => {
    const scores = f32(...logits);
    keepTopK(scores, k, new Float32Array(logits.length));
    t.deepEqual(
      [...scores.keys()].filter((id) => scores[id] > -INF),
      kept,
    );
    for (const id of kept) t.is(scores[id], logits[id]);
  });
}

const TOP_P: [p: number, weights: number[], kept: number[]][] = [
  [0.5, [1, 1, 1, 1], [0, 1]],
  [0.51, [1, 1, 1, 1], [0, 1, 2]],
  [0, [0.5, 1, 0.5], [1]],
  [0.5, [0.5, 1, 0.5], [1]],
  [0.75, [0.5, 1, 0.5], [0, 1]],
  [0.76, [0.5, 1, 0.5], [0, 1, 2]],
  [0.99, [0, 1, 0], [1]],
  [0.85, [0.25, 0.25, 1, 0.25, 0.25], [0, 1, 2, 3]],
  [0.5, [1], [0]],
];
for (const [p, weights, kept] of TOP_P) {
  test(`of weights ${weights} top-p ${p} keeps the tokens ${kept}`, (t) => {
    const filtered = f32(...weights);
    keepTopP(filtered, p, new Float32Array(weights.length));
    t.deepEqual(
      [...filtered.keys()].filter((id) => filtered[id] > 0),
      kept,
    );
    for (const id of kept) t.is(filtered[id], weights[id]);
  });
}

test('of equal weights at the threshold of top-p the lowest ids stay, as many as are needed', (t) => {
  for (let numKept = 1; numKept <= 9; numKept++) {
    // One token of weight 1 and nine of a quarter.
    const weights = f32(0.25, 0.25, 1, ...Array(7).fill(0.25));
    keepTopP(weights, (1 + 0.25 * (numKept - 1)) / 3.25, new Float32Array(10));
    const expected = f32(...Array(10).fill(0)).fill(1, 2, 3);
    for (const id of [0, 1, 3, 4, 5, 6, 7, 8, 9].slice(0, numKept - 1)) expected[id] = 0.25;
    t.deepEqual(weights, expected, `${numKept} tokens`);
  }
});

test('min-p keeps a token exactly at the threshold', (t) => {
  const weights = f32(0.25, 1, 0.249, 0.5);
  keepMinP(weights, 0.25);
  t.deepEqual(weights, f32(0.25, 1, 0, 0.5));
  keepMinP(weights, 1);
  t.deepEqual(weights, f32(0, 1, 0, 0));
});

test('the k-th largest is found in any order of many values', (t) => {
  const ascending = Float32Array.from({ length: 5000 }, (_, i) => i);
  const mixed = ascending.map((i) => (i * 1234577) % 5000);
  const scratch = new Float32Array(5000);
  for (const values of [ascending, ascending.toReversed(), mixed]) {
    for (const k of [1, 2, 700, 2600, 4999, 5000]) t.is(kthLargest(values, k, scratch), 5000 - k);
  }
});
