import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { Engine } from '../../engine/engine.ts';
import type { GenerateEvent, GenerateRequest, GenerateResult } from '../../engine/serving/requests.ts';
import { createTextStream } from '../../engine/text/stream.ts';
import { generateAll } from '../../verify/generate.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { leakOf, serve } from '../support/serving/serving.ts';
import { holdServingBits } from '../support/serving/serving-counts.ts';
import { holdWorkloadsToAlone } from '../support/serving/serving-workloads.ts';
import { denseModel, loadEngine } from '../unit/engine/tiny-models.ts';

trackResources(test);

test('a request has the same bits as alone, beside any other requests and in any order of steps', async (t) => {
  await holdServingBits(t, 80);
});

test('a failure comes as the smallest workload that shows it, ready to be pasted as a test', async (t) => {
  // An engine in which the second sequence of a step would be numbered wrongly: two requests are needed.
  const wrong: typeof Engine.load = async (dir, options) => {
    const engine = await Engine.load(dir, options);
    const generate = engine.generate.bind(engine);
    engine.generate = async function* (requests) {
      for await (const event of generate(requests)) {
        if (event.type === 'result' && event.request === 1) event.result.tokens.push(0);
        yield event;
      }
    };
    return engine;
  };
  const error = await t.throwsAsync(() =>
    holdWorkloadsToAlone(temporaryFolder(t), { seed: 20261122, numRuns: 20 }, wrong),
  );
  const lines = error!.message.split('\n');
  t.regex(lines[0], /request 1, sample 0: (tokens|cancelled)/);
  t.is(lines.filter((line) => line.includes('ids: [')).length, 2, error!.message);
  t.regex(error!.message, /model: makeModel\(\{.*\}, '\w+', \d+\),\n {4}settings: \{ blockSize: \d+, /);
  t.log(error!.message);
});

/** Embedded as NaN: a request with it fails, in whatever step it is computed. */
const NAN_TOKEN = 6;

/** A signal whose n-th reading throws. */
function throwingSignal(n: number): AbortSignal {
  let reads = 0;
  const get = () => {
    if (++reads >= n) throw new Error('the signal throws');
    return false;
  };
  return Object.create(AbortSignal.prototype, { aborted: { get } });
}

test('among requests that fail, each good one has the bits and the end that it has alone', async (t) => {
  const model = denseModel();
  const embedding = model.weights.get('model.embed_tokens.weight')!;
  embedding.data.fill(
    Number.NaN,
    NAN_TOKEN * model.config.hiddenSize,
    (NAN_TOKEN + 1) * model.config.hiddenSize,
  );
  const options = { blockSize: 2, cacheTokens: 40, maxBatch: 3, prefillChunk: 3, promptLookup: 5 };
  const engine = await loadEngine(t, model, options);
  const ids = fc.array(fc.nat(18), { minLength: 1, maxLength: 9 });
  const sampling = fc.constantFrom(
    {},
    { temperature: 1, n: 2 },
    { temperature: 1, n: 3 },
    { promptLogprobs: 1 },
    { logitBias: { 4: 50 } },
  );
  const good = fc.record({ ids, maxNewTokens: fc.nat(8), sampling }).map(({ sampling, ...rest }) => ({
    ...rest,
    ...sampling,
  }));
  const bad = fc.oneof(
    fc.tuple(good, fc.integer({ min: 1, max: 9 })).map(([one, n]) => ({ ...one, signal: throwingSignal(n) })),
    good.map((one) => ({ ...one, ids: [...one.ids, NAN_TOKEN] })),
    fc
      .tuple(good, fc.constantFrom<unknown>(undefined, 'ids', Int32Array.of(1), new Array(2), [19], [-1], []))
      .map(([one, wrong]) => ({ ...one, ids: wrong })),
    fc.constantFrom<unknown>(null, undefined, 5, 'request', { ids: [1] }, { ids: [1], maxNewTokens: '3' }),
  );
  const isGood = fc.boolean();
  const requests = fc.array(
    isGood.chain((is) => (is ? good : bad).map((request) => ({ is, request }))),
    {
      minLength: 2,
      maxLength: 7,
    },
  );
  const outcomes = (events: readonly GenerateEvent[], index: number) =>
    events
      .filter((event) => event.request === index && event.type !== 'token')
      .map((event) =>
        event.type === 'result'
          ? { ...event.result, timing: 0, cachedTokens: 0, promptLookup: 0 }
          : String(event.type === 'error' && event.error),
      )
      .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  let numFailed = 0;
  await fc.assert(
    fc.asyncProperty(requests, async (drawn) => {
      const list = drawn.map(({ request }) => request as GenerateRequest);
      const events = await generateAll(engine, list);
      for (const [i, { is }] of drawn.entries()) {
        const together = outcomes(events, i);
        assert.ok(together.length > 0, `request ${i} comes to no end`);
        if (!is) numFailed++;
        else assert.deepEqual(together, outcomes(await generateAll(engine, [list[i]]), 0), `request ${i}`);
      }
      assert.equal(leakOf(engine.stats()), undefined);
    }),
    { seed: 20261129, numRuns: 60 },
  );
  t.true(numFailed > 60, `${numFailed} bad requests`);
});

/** Every token is a letter. */
const letters = {
  createStream: () => createTextStream((id) => Uint8Array.of(97 + id)),
};

/** Text of few letters, in which drafts are right now and then. */
const repeating: fc.Arbitrary<GenerateRequest> = fc
  .uniqueArray(fc.nat(18), { minLength: 1, maxLength: 3 })
  .chain((favourites) =>
    fc.record({
      ids: fc.array(fc.oneof(fc.constantFrom(...favourites), fc.nat(18)), { minLength: 1, maxLength: 12 }),
      maxNewTokens: fc.nat(24),
      logitBias: fc.constant(Object.fromEntries(favourites.map((id, i) => [id, 50 - i]))),
      temperature: fc.constantFrom(0, 0, 0.3, 1),
      seed: fc.nat(99),
      repetitionPenalty: fc.constantFrom(1, 1.01),
      frequencyPenalty: fc.constantFrom(0, 0.2),
      stop: fc.array(
        fc
          .array(fc.constantFrom(...favourites), { minLength: 2, maxLength: 8 })
          .map((ids) => String.fromCharCode(...ids.map((id) => 97 + id))),
        { maxLength: 2 },
      ),
      minNewTokens: fc.nat(4),
      logprobs: fc.constantFrom(undefined, 2),
      promptLogprobs: fc.constantFrom(undefined, 0),
    }),
  )
  .chain((request) =>
    fc.integer({ min: 1, max: request.temperature > 0 ? 3 : 1 }).map((n) => ({ ...request, n })),
  );

test('drafts change no bit of a request: tokens, texts, ends, log-probabilities and fingerprints', async (t) => {
  const plain = await loadEngine(t, denseModel(), { tokenizer: letters, prefixCaching: false });
  const options = { blockSize: 4, cacheTokens: 48, prefillChunk: 5, promptLookup: 6 };
  const drafting = await loadEngine(t, denseModel(), { tokenizer: letters, ...options });
  /** By sample: its tokens as they came, and its result. */
  const outcomes = (events: readonly GenerateEvent[], index: number) =>
    events
      .filter((event) => event.request === index)
      .map((event) => {
        if (event.type !== 'result') return event;
        const { timing: _, cachedTokens: __, promptLookup: ___, ...result } = event.result;
        return { ...event, result };
      })
      .map((event) => ({ ...event, request: 0 }))
      .sort((a, b) => ('sample' in a && 'sample' in b ? a.sample - b.sample : 0));
  let stopped = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(repeating, { minLength: 1, maxLength: 3 }), async (requests) => {
      const events = await generateAll(drafting, requests);
      for (const [i, request] of requests.entries()) {
        const alone = await generateAll(plain, [request]);
        assert.deepEqual(outcomes(events, i), outcomes(alone, 0), `request ${i}`);
      }
      for (const event of events) {
        if (event.type !== 'result') continue;
        const { stopReason, promptLookup } = event.result;
        if (typeof stopReason === 'string' && promptLookup!.accepted > 0) stopped++;
      }
      assert.equal(leakOf(drafting.stats()), undefined);
    }),
    { seed: 20261129, numRuns: 60 },
  );
  const { preemptions, prefixCache, blocks, promptLookup } = drafting.stats();
  const { drafted, accepted } = promptLookup;
  t.log({ preemptions, hits: prefixCache.hits, copies: blocks.copies, drafted, accepted, stopped });
  for (const count of [preemptions, prefixCache.hits, blocks.copies, accepted, drafted - accepted, stopped]) {
    t.true(count > 5);
  }
});

/** Ids as the letters a, b and c, so that a short stop string is soon found. */
const LETTERS = { createStream: () => ({ push: (id: number) => 'abc'[id % 3], end: () => '' }) };

/** What a sample with these tokens has become when it ends at a stop token, a stop string, or its length. */
function endOf(
  tokens: readonly number[],
  { stop, stopTokenIds }: { stop: string[]; stopTokenIds: number[] },
) {
  let text = '';
  for (const [i, token] of tokens.entries()) {
    const ended = { tokens: tokens.slice(0, i + 1), finishReason: 'stop' };
    if (stopTokenIds.includes(token)) return { ...ended, text, stopReason: token };
    text += LETTERS.createStream().push(token);
    const found = stop.filter((each) => text.endsWith(each)).sort((a, b) => b.length - a.length)[0];
    if (found !== undefined) return { ...ended, text: text.slice(0, -found.length), stopReason: found };
  }
  return { tokens, text, finishReason: 'length', stopReason: undefined };
}

test('each of n samples ends by itself, and all end when their request is aborted', async (t) => {
  const engine = await loadEngine(t, denseModel(), { blockSize: 2, cacheTokens: 60, tokenizer: LETTERS });
  const cases = fc.record({
    ids: fc.array(fc.nat(18), { minLength: 1, maxLength: 9 }),
    n: fc.integer({ min: 2, max: 4 }),
    maxNewTokens: fc.integer({ min: 1, max: 9 }),
    seed: fc.nat(99),
    stop: fc.uniqueArray(fc.constantFrom('ab', 'ca', 'bb', 'aca', 'cb'), { maxLength: 2 }),
    stopTokenIds: fc.array(fc.nat(18), { maxLength: 1 }),
    penalty: fc.constantFrom({}, { frequencyPenalty: 1 }, { logprobs: 1 }, { promptLogprobs: 0 }),
    abortAfter: fc.option(fc.integer({ min: 1, max: 20 })),
  });
  const seen = { stops: 0, strings: 0, aborts: 0 };
  await fc.assert(
    fc.asyncProperty(cases, async ({ stop, stopTokenIds, penalty, abortAfter, ...rest }) => {
      const request = { ...rest, ...penalty, temperature: 1, ignoreEos: true };
      const [whole] = await serve(engine, [request]);
      const controller = new AbortController();
      const results: GenerateResult[] = [];
      let numTokens = 0;
      for await (const event of engine.generate([
        { ...request, stop, stopTokenIds, signal: controller.signal },
      ])) {
        if (event.type === 'token' && ++numTokens === abortAfter) controller.abort();
        if (event.type === 'result') results[event.sample] = event.result;
      }
      assert.equal(results.filter(Boolean).length, request.n, 'results');
      // Of the step in which it was aborted, each other sample may have a token.
      if (abortAfter !== null) assert.ok(numTokens < abortAfter + request.n, `${numTokens} tokens`);
      for (const [sample, result] of results.entries()) {
        const { tokens, text, finishReason, stopReason } = result;
        const uncut = whole[sample].tokens;
        if (finishReason === 'abort') {
          seen.aborts++;
          assert.notEqual(abortAfter, null, `sample ${sample} is aborted`);
          assert.deepEqual(tokens, uncut.slice(0, tokens.length), `sample ${sample}`);
          continue;
        }
        const expected = endOf(uncut, { stop, stopTokenIds });
        assert.deepEqual({ tokens, text, finishReason, stopReason }, expected, `sample ${sample}`);
        if (typeof stopReason === 'string') seen.strings++;
        else if (finishReason === 'stop') seen.stops++;
      }
      assert.equal(leakOf(engine.stats()), undefined);
    }),
    { seed: 20261129, numRuns: 100 },
  );
  t.true(Math.min(...Object.values(seen)) > 10, JSON.stringify(seen));
});

test('preemption changes nothing in the log-probabilities of a prompt, for any sample', async (t) => {
  const request = { ids: [3, 0], maxNewTokens: 3, temperature: 0.5, n: 2, promptLogprobs: 0 };
  const roomy = await loadEngine(t, denseModel());
  const cramped = await loadEngine(t, denseModel(), { blockSize: 1, cacheTokens: 5 });
  const [whole, preempted] = [await serve(roomy, [request]), await serve(cramped, [request])];
  t.deepEqual(preempted[0][1].promptLogprobs, whole[0][1].promptLogprobs);
});
