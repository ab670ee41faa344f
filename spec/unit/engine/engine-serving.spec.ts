import test from 'ava';
import type { EngineOptions } from '../../../engine/options.ts';
import type { GenerateEvent, GenerateRequest } from '../../../engine/serving/requests.ts';
import { generateAll, generateOne, resultsOf } from '../../../verify/generate.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { denseModel, loadEngine, moeModel } from './tiny-models.ts';

trackResources(test);

const IDS = [3, 0, 18, 7, 7, 11];
/** Requests of different lengths, two with a common beginning, one with several samples. */
const REQUESTS: GenerateRequest[] = [
  { ids: IDS, maxNewTokens: 9 },
  { ids: [5, 1], maxNewTokens: 12 },
  { ids: [...IDS, 2, 13, 4, 17], maxNewTokens: 3, logprobs: 2 },
  { ids: [4], maxNewTokens: 5, temperature: 2, n: 3, seed: 11 },
  { ids: IDS, maxNewTokens: 0, promptLogprobs: 1 },
];

const kinds = (events: readonly GenerateEvent[]) =>
  events.map(({ type, request }) => `${type} of ${request}`);
/** Everything of a result that must not depend on other requests. */
const bitsOf = (events: readonly GenerateEvent[]) =>
  resultsOf(events).map((samples) => samples.map(({ timing: _, cachedTokens: __, ...bits }) => bits));

test('tokens come in the order of the steps, and a result right after its last token', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const requests = [
    { ids: [1, 2], maxNewTokens: 1 },
    { ids: IDS, maxNewTokens: 2 },
    { ids: [], maxNewTokens: 2 },
  ];
  t.deepEqual(kinds(await generateAll(engine, requests)), [
    'error of 2',
    'token of 0',
    'result of 0',
    'token of 1',
    'token of 1',
    'result of 1',
  ]);
  t.deepEqual(await generateAll(engine, []), []);
});

test('the requests of a list begin in one step', async (t) => {
  const engine = await loadEngine(t, denseModel(), { blockSize: 4 });
  await generateAll(engine, new Array(16).fill({ ids: [1, 2], maxNewTokens: 1 }));
  t.is(engine.stats().steps, 1);
});

test('requests computed together have the same bits as alone', async (t) => {
  const options: EngineOptions[] = [
    {},
    { maxBatchTokens: 3, blockSize: 2 },
    { maxBatch: 2, prefillChunk: 4, blockSize: 4 },
    { cacheTokens: 16, blockSize: 2 },
    { cacheTokens: 15, blockSize: 1, prefixCaching: false },
  ];
  for (const model of [denseModel(), moeModel()]) {
    const alone = [];
    const plain = await loadEngine(t, model, { prefixCaching: false });
    for (const request of REQUESTS) alone.push(...bitsOf(await generateAll(plain, [request])));
    t.is(new Set(alone.flat().map(({ fingerprint }) => fingerprint)).size, 7);
    let preemptions = 0;
    for (const option of options) {
      const engine = await loadEngine(t, model, option);
      t.deepEqual(bitsOf(await generateAll(engine, REQUESTS)), alone, JSON.stringify(option));
      const { running, waiting, blocks } = engine.stats();
      t.deepEqual([running, waiting, blocks.free], [0, 0, blocks.total]);
      preemptions += engine.stats().preemptions;
    }
    t.true(preemptions > 0, 'no cache was too small');
  }
});

test('samples of one request share its prompt, and differ as random numbers do', async (t) => {
  const engine = await loadEngine(t, denseModel(), { blockSize: 4 });
  const request = { ids: IDS, maxNewTokens: 6, temperature: 1.5, n: 4, seed: 2 };
  const [samples] = resultsOf(await generateAll(engine, [request]));
  t.is(samples.length, 4);
  t.true(new Set(samples.map(({ tokens }) => tokens.join())).size > 1);
  t.deepEqual(
    samples.map(({ cachedTokens }) => cachedTokens),
    [0, 0, 0, 0],
  );
  const { tokens, blocks } = engine.stats();
  t.is(tokens, 6 + 4 * 5, 'the prompt was computed once, and no last token was');
  t.is(blocks.copies, 3, 'the half full block of the prompt was copied for all but the last to write');
  const { result } = await generateOne(engine, { ...request, n: 1 });
  t.deepEqual(result.tokens, samples[0].tokens);
});

test('statistics count what was computed, and what is running', async (t) => {
  const engine = await loadEngine(t, denseModel(), { blockSize: 4, maxBatch: 2 });
  const blocks = { total: 16, free: 16, cached: 0, evictions: 0, copies: 0 };
  const none = { steps: 0, tokens: 0, running: 0, waiting: 0, preemptions: 0 };
  t.deepEqual(engine.stats(), {
    ...{ ...none, blocks },
    prefixCache: { queries: 0, hits: 0, savedTokens: 0 },
    promptLookup: { drafted: 0, accepted: 0 },
  });
  const three = [1, 2, 3].map((id) => ({ ids: [id, ...IDS], maxNewTokens: 3 }));
  const events = engine.generate(three);
  await events.next();
  const { steps, tokens, running, waiting } = engine.stats();
  t.deepEqual({ steps, tokens, running, waiting }, { steps: 1, tokens: 14, running: 2, waiting: 0 });
  t.is(engine.stats().blocks.free, 16 - 2 * 2);
  for await (const _ of events);
  // Three prompts of seven, and of three new tokens the last is not computed.
  t.deepEqual([engine.stats().steps, engine.stats().tokens], [6, 27]);
  t.deepEqual(engine.stats().blocks, { ...blocks, cached: 3 * 2 });
  t.is(engine.stats().prefixCache.queries, 3);
});

test('a list is read only as far as a step has room', async (t) => {
  const engine = await loadEngine(t, denseModel(), { maxBatch: 2 });
  let asked = 0;
  function* endless() {
    for (;;) yield { ids: [asked++ % 19], maxNewTokens: 3 };
  }
  let results = 0;
  for await (const { type } of engine.generate(endless())) {
    if (type === 'result') results++;
    // Two with results that are not taken yet, two that are computed, two in the queue.
    t.true(asked <= results + 6, `${asked} were read when ${results} had ended`);
    if (results === 20) break;
  }
  t.deepEqual([engine.stats().running, engine.stats().waiting], [0, 0]);
});

test('a forward pass between two tokens does not disturb the generation, nor they the pass', async (t) => {
  const engine = await loadEngine(t, denseModel(), { blockSize: 2, cacheTokens: 32 });
  const { logits } = engine.forward([1, 2, 3]);
  const { result: alone } = await generateOne(engine, { ids: IDS, maxNewTokens: 8 });
  const { result: disturbed } = await generateOne(engine, { ids: IDS, maxNewTokens: 8 }, () => {
    t.deepEqual(engine.forward([1, 2, 3]).logits, logits);
  });
  t.is(disturbed.fingerprint, alone.fingerprint);
});
