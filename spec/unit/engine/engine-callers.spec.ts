import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import type { Engine } from '../../../engine/engine.ts';
import { PromptError } from '../../../engine/errors.ts';
import type { GenerateEvent, GenerateRequest } from '../../../engine/serving/requests.ts';
import { generateAll, generateOne, resultsOf } from '../../../verify/generate.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { denseModel, loadEngine } from './tiny-models.ts';

trackResources(test);

const IDS = [3, 0, 18, 7, 7, 11];
const REQUEST = { ids: IDS, maxNewTokens: 8 };

/** No request is unfinished, and no block is in use. */
function isIdle(engine: Engine): boolean {
  const { running, waiting, blocks } = engine.stats();
  return running === 0 && waiting === 0 && blocks.free === blocks.total;
}

test('a signal ends a request before its first token; the others continue', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { result: whole } = await generateOne(engine, REQUEST);
  const events = await generateAll(engine, [{ ...REQUEST, signal: AbortSignal.abort() }, REQUEST]);
  const [[aborted], [other]] = resultsOf(events);
  t.deepEqual([aborted.tokens, aborted.finishReason, aborted.cachedTokens], [[], 'abort', 0]);
  t.is(other.fingerprint, whole.fingerprint);
  t.true(isIdle(engine));
});

test('a signal ends a request between two chunks of its prompt', async (t) => {
  const engine = await loadEngine(t, denseModel(), { prefillChunk: 2 });
  const controller = new AbortController();
  const generating = generateOne(engine, { ...REQUEST, signal: controller.signal });
  while (engine.stats().steps < 2) await turn();
  controller.abort();
  const { result } = await generating;
  t.deepEqual([result.tokens, result.finishReason], [[], 'abort']);
  t.is(engine.stats().tokens, 4);
  t.true(isIdle(engine));
});

test('a signal ends a request after the tokens that it has', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { result: whole } = await generateOne(engine, REQUEST);
  const controller = new AbortController();
  let count = 0;
  const { result } = await generateOne(
    engine,
    { ...REQUEST, signal: controller.signal },
    () => ++count === 3 && controller.abort(),
  );
  t.deepEqual([result.tokens, result.finishReason], [whole.tokens.slice(0, 3), 'abort']);
  t.true(isIdle(engine));
});

test('each of several callers gets a token from every step', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const stepsOfTokens = async (request: GenerateRequest) => {
    const steps: number[] = [];
    await generateOne(engine, request, () => steps.push(engine.stats().steps));
    return steps;
  };
  const all = await Promise.all([REQUEST, REQUEST, REQUEST].map(stepsOfTokens));
  for (const steps of all) t.deepEqual(steps, [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a caller that stops iterating, or throws, cancels its requests', async (t) => {
  const engine = await loadEngine(t, denseModel(), { cacheTokens: 16, blockSize: 2 });
  const requests = [REQUEST, { ids: [1, 2], maxNewTokens: 9, temperature: 1, n: 3 }, REQUEST];
  for await (const _ of engine.generate(requests)) {
    t.false(isIdle(engine));
    t.throws(() => engine.forward(new Array(16).fill(1)), { instanceOf: PromptError, message: /wait until/ });
    break;
  }
  t.true(isIdle(engine));
  const failing = async () => {
    for await (const _ of engine.generate(requests)) throw new Error('reader failed');
  };
  await t.throwsAsync(failing, { message: 'reader failed' });
  t.true(isIdle(engine));
  t.notThrows(() => engine.forward(new Array(16).fill(1)));
});

test('a generator that is never iterated takes nothing', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const request = {
    get ids(): number[] {
      throw new Error('was read');
    },
    maxNewTokens: 1,
  };
  const events = engine.generate([request]);
  await turn();
  t.true(isIdle(engine));
  t.deepEqual(await events.return(), { done: true, value: undefined });
});

test('no step runs while no caller iterates', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const events = engine.generate([REQUEST]);
  await events.next();
  for (let i = 0; i < 20; i++) await turn();
  t.is(engine.stats().steps, 1);
  await events.next();
  t.is(engine.stats().steps, 2);
  await events.return();
});

test("a slow caller's sequences pause after some events, and the others continue", async (t) => {
  const engine = await loadEngine(t, denseModel(), { cacheTokens: 512 });
  const many = Array.from({ length: 8 }, (_, id) => ({ ids: [id], maxNewTokens: 50 }));
  const alone = resultsOf(await generateAll(engine, many)).map(([{ fingerprint }]) => fingerprint);
  const quick = { ids: [9, 9], maxNewTokens: 60 };
  const { result } = await generateOne(engine, quick);

  const slow = engine.generate(many);
  const seen = [(await slow.next()).value as GenerateEvent];
  const { result: beside } = await generateOne(engine, quick);
  t.is(beside.fingerprint, result.fingerprint);
  const before = engine.stats().tokens;
  t.is((await generateOne(engine, quick)).result.fingerprint, result.fingerprint);
  t.true(engine.stats().tokens - before <= 61, 'the slow one is computed although its events pile up');
  t.is(engine.stats().running, 8);
  for await (const event of slow) seen.push(event);
  t.deepEqual(
    resultsOf(seen).map(([{ fingerprint }]) => fingerprint),
    alone,
  );
  t.true(isIdle(engine));
});

test('concurrent callers do not disturb each other, and each gets its own events', async (t) => {
  const engine = await loadEngine(t, denseModel(), { prefillChunk: 4, blockSize: 4 });
  const requests = [IDS, [5, 1], [9, 9, 2, 13, 4, 17, 6, 0, 8, 1], [4]].map((ids, i) => ({
    ids,
    maxNewTokens: 3 + 3 * i,
  }));
  const alone = [];
  for (const request of requests) alone.push((await generateOne(engine, request)).result);
  const together = await Promise.all(requests.map((request) => generateOne(engine, request)));
  for (const [i, { result, events }] of together.entries()) {
    t.deepEqual([result.tokens, result.fingerprint], [alone[i].tokens, alone[i].fingerprint]);
    t.deepEqual(
      events.map(({ token }) => token),
      result.tokens,
    );
  }
});

test('requests that arrive late are computed together with running ones', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { promise: late, resolve } = Promise.withResolvers<void>();
  async function* source(): AsyncGenerator<GenerateRequest> {
    await turn();
    yield { ids: IDS, maxNewTokens: 10 };
    await late;
    yield { ids: [1, 2], maxNewTokens: 2 };
  }
  const order: string[] = [];
  for await (const { type, request } of engine.generate(source())) {
    order.push(`${type} ${request}`);
    if (order.length === 3) resolve();
  }
  t.is(order.length, 10 + 2 + 2);
  t.true(order.indexOf('result 1') < order.indexOf('result 0'), order.join());
});

test('an error of a source is thrown to its caller, and to no other', async (t) => {
  const engine = await loadEngine(t, denseModel());
  async function* failing(): AsyncGenerator<GenerateRequest> {
    yield { ids: IDS, maxNewTokens: 50 };
    throw new Error('the wire was cut');
  }
  const [other] = await Promise.all([
    generateOne(engine, REQUEST),
    t.throwsAsync(generateAll(engine, failing()), { message: 'the wire was cut' }),
  ]);
  t.is(other.result.tokens.length, 8);
  t.true(isIdle(engine));
});

test('a source that never answers does not delay a caller that stops iterating', async (t) => {
  const engine = await loadEngine(t, denseModel());
  let ended = false;
  const { promise: forever, resolve } = Promise.withResolvers<void>();
  async function* silent(): AsyncGenerator<GenerateRequest> {
    try {
      yield REQUEST;
      await forever;
    } finally {
      ended = true;
    }
  }
  for await (const { type } of engine.generate(silent())) if (type === 'result') break;
  t.true(isIdle(engine));
  t.false(ended);
  resolve();
  await turn();
  t.true(ended);
});

test('a source is ended when its caller stops iterating', async (t) => {
  const engine = await loadEngine(t, denseModel(), { maxBatch: 1 });
  let ended = false;
  async function* source(): AsyncGenerator<GenerateRequest> {
    try {
      for (;;) yield REQUEST;
    } finally {
      await turn();
      ended = true;
    }
  }
  for await (const _ of engine.generate(source())) if (engine.stats().steps === 3) break;
  t.true(ended);
  t.true(isIdle(engine));
});
