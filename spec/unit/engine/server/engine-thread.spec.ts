import { EventEmitter, getEventListeners } from 'node:events';
import { mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { EngineThread, type ThreadPort } from '../../../../engine/server/engine-thread.ts';
import type { FromThread, ServedEvent, ToThread } from '../../../../engine/server/thread-messages.ts';
import { generateOne } from '../../../../verify/generate.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, loadEngine, modelDirectory } from '../tiny-models.ts';

trackResources(test);

const REQUEST = { ids: [3, 0, 18, 7], maxNewTokens: 6 };
const OPTIONS = { options: { threads: 1, cacheTokens: 40, maxBatch: 2 }, hasTokenizer: false };
const STATS = {
  ...{ steps: 0, tokens: 0, running: 0, waiting: 0, preemptions: 0 },
  blocks: { total: 4, free: 4, cached: 0, evictions: 0, copies: 0 },
  prefixCache: { queries: 0, hits: 0, savedTokens: 0 },
  promptLookup: { drafted: 0, accepted: 0 },
};
const LIMITS = { vocabSize: 19, maxTokens: 64, maxBatch: 16 };

async function all(events: AsyncIterable<ServedEvent>): Promise<ServedEvent[]> {
  const taken: ServedEvent[] = [];
  for await (const event of events) taken.push(event);
  return taken;
}

test('requests in a thread have the bits of the engine; a refused one disturbs none', async (t) => {
  const engine = await loadEngine(t, denseModel());
  const { result } = await generateOne(engine, REQUEST);
  const modelDir = modelDirectory(t, denseModel());
  const progress: number[] = [];
  const onProgress = (done: number, total: number) => progress.push(done / total);
  const thread = closing(t, await EngineThread.start({ modelDir, ...OPTIONS, onProgress }));
  t.is(progress.at(-1), 1);
  t.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
  );
  t.deepEqual(thread.limits, { vocabSize: 19, maxTokens: 48, maxBatch: 2 });

  const refused = await Promise.allSettled([
    all(thread.generate({ ...REQUEST, ids: [19] })),
    all(thread.generate({ ...REQUEST, topP: 3 })),
  ]);
  const errors = refused.map((each) => each.status === 'rejected' && each.reason);
  t.like(errors, { 0: { kind: 'PromptError' }, 1: { kind: 'OptionError', option: 'topP' } });
  const served = await Promise.all([1, 2, 3].map(() => all(thread.generate(REQUEST))));
  for (const events of served) {
    const last = events.at(-1)!;
    t.is(last.type === 'result' && last.result.fingerprint, result.fingerprint);
    t.is(events.length, 7);
  }

  const whole = await all(thread.generate({ ...REQUEST, resultsOnly: true }));
  t.is(whole.length, 1, 'an answer that is not streamed comes in one event');
  t.is(whole[0].type === 'result' && whole[0].result.fingerprint, result.fingerprint);

  // The request would have 28 tokens.
  for await (const event of thread.generate({ ...REQUEST, maxNewTokens: 28, ignoreEos: true })) {
    t.is(event.type, 'token');
    break;
  }
  for (let waits = 0; waits < 1000 && thread.stats.running > 0; waits++) await sleep(5);
  t.like(
    thread.stats,
    { running: 0, waiting: 0, blocks: { free: 3 } },
    'the thread says it without a request',
  );
  await all(thread.generate({ ...REQUEST, maxNewTokens: 1 }));
  t.like(thread.stats, { running: 0, waiting: 0, blocks: { free: 3, total: 3 } });

  // Its samples take the engine seconds, and the message that closes it may come late on a busy machine.
  const endless = { ...REQUEST, maxNewTokens: 28, ignoreEos: true, temperature: 1, n: 1000 };
  const left = all(thread.generate(endless));
  const [ended] = await Promise.allSettled([left, thread.close()]);
  t.like(ended, { reason: { name: 'EngineClosedError' } });
  await t.throwsAsync(() => all(thread.generate(REQUEST)), { name: 'EngineClosedError' });
});

test('a model that cannot be loaded is an error with the class of its own, and leaves no thread', async (t) => {
  const error = await t.throwsAsync(EngineThread.start({ modelDir: '/nowhere', ...OPTIONS }));
  t.like(error, { kind: 'ConfigError' });
});

test('a request takes what is sent for it alone, in order, and listens to its signal no longer', async (t) => {
  const { fake, thread } = await startFake(t);
  const { signal } = new AbortController();
  const served = [1, 2].map(() => all(thread.generate(REQUEST, signal)));
  const event = (token: number) => {
    const names = { type: 'token', request: 0, sample: 0 } as const;
    return { ...names, token, text: undefined, logprobs: undefined, logits: undefined };
  };
  fake.send({
    type: 'news',
    news: [
      { id: 1, event: event(5) },
      { id: 0, event: event(6) },
    ],
    stats: STATS,
  });
  fake.send({ type: 'news', news: [{ id: 1, event: event(7) }, { id: 1 }, { id: 0 }], stats: STATS });
  t.deepEqual(await Promise.all(served), [[event(6)], [event(5), event(7)]]);
  t.is(getEventListeners(signal, 'abort').length, 0);
  const refused = all(thread.generate(REQUEST));
  const error = { name: 'OptionError', message: 'topP is 3', stack: undefined, option: 'topP' };
  fake.send({
    type: 'news',
    news: [
      { id: 2, event: event(8) },
      { id: 2, error },
    ],
    stats: STATS,
  });
  t.like(await t.throwsAsync(refused), { kind: 'OptionError', option: 'topP', message: 'topP is 3' });
  t.deepEqual(
    fake.received,
    [0, 1, 2].map((id) => ({ type: 'generate', id, request: REQUEST })),
    'what has ended is not aborted',
  );
  t.is(thread.failure, undefined);
});

test('the end of a thread that is being closed is no failure', async (t) => {
  const { thread } = await startFake(t);
  const failures: Error[] = [];
  thread.onFailure((error) => failures.push(error));
  await thread.close();
  t.deepEqual(failures, []);
  t.like(thread.failure, { name: 'EngineClosedError' });
});

/** A thread whose messages the test sends. */
class FakeThread extends EventEmitter {
  readonly received: ToThread[] = [];
  /** Whether it does not end when it is closed. */
  isStuck = false;
  numTerminated = 0;

  postMessage(message: ToThread): void {
    this.received.push(message);
    if (message.type === 'close' && !this.isStuck) queueMicrotask(() => this.emit('exit', 0));
  }

  async terminate(): Promise<number> {
    this.numTerminated++;
    this.emit('exit', 1);
    return 1;
  }

  send(message: FromThread): void {
    this.emit('message', message);
  }
}

async function startFake(t: ExecutionContext) {
  const fake = new FakeThread();
  const starting = EngineThread.start({ modelDir: '', ...OPTIONS }, () => fake as unknown as ThreadPort);
  fake.send({ type: 'ready', limits: LIMITS, stats: STATS });
  return { fake, thread: closing(t, await starting) };
}

test('a thread that fails ends every open request with its error, and says so once', async (t) => {
  const { fake, thread } = await startFake(t);
  const failures: Error[] = [];
  thread.onFailure((error) => failures.push(error));
  const open = Promise.allSettled([1, 2].map(() => all(thread.generate(REQUEST))));
  const error = { name: 'GroupError', message: 'Rank 1 died', stack: undefined };
  fake.send({ type: 'failed', error });
  fake.emit('error', new Error('second'));
  for (const each of await open) t.like(each, { reason: { kind: 'GroupError', message: 'Rank 1 died' } });
  t.deepEqual(failures, [thread.failure]);
  await t.throwsAsync(() => all(thread.generate(REQUEST)), { message: 'Rank 1 died' });
  thread.onFailure((late) => failures.push(late));
  t.is(failures.length, 2);
});

test('a signal ends the wait at once with its reason, and the request in the thread', async (t) => {
  const { fake, thread } = await startFake(t);
  const controller = new AbortController();
  const waiting = all(thread.generate(REQUEST, controller.signal));
  controller.abort(new Error('client left'));
  await t.throwsAsync(waiting, { message: 'client left' });
  const { signal } = controller;
  t.deepEqual(fake.received, [
    { type: 'generate', id: 0, request: REQUEST },
    { type: 'abort', id: 0 },
  ]);
  t.is(getEventListeners(signal, 'abort').length, 0);
  await t.throwsAsync(() => all(thread.generate(REQUEST, controller.signal)), { message: 'client left' });
  t.is(fake.received.length, 2);
  // News of the request that has crossed the abort.
  fake.send({ type: 'news', news: [{ id: 0 }], stats: { ...STATS, steps: 5 } });
  t.is(thread.stats.steps, 5);
});

test('a thread that exits while it loads is an error', async (t) => {
  const fake = new FakeThread();
  const starting = EngineThread.start({ modelDir: '', ...OPTIONS }, () => fake as unknown as ThreadPort);
  fake.emit('exit', 1);
  await t.throwsAsync(starting, { name: 'EngineClosedError' });
  t.deepEqual(fake.eventNames(), []);
});

test.serial(
  'a thread that does not end in time is ended, and one that has ended is left alone',
  async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.teardown(() => mock.timers.reset());
    const stuck = await startFake(t);
    stuck.fake.isStuck = true;
    const closed = stuck.thread.close();
    await t.throwsAsync(() => all(stuck.thread.generate(REQUEST)), { name: 'EngineClosedError' });
    void stuck.thread.close();
    t.deepEqual(stuck.fake.received, [{ type: 'close' }]);
    mock.timers.tick(19_999);
    t.is(stuck.fake.numTerminated, 0);
    mock.timers.tick(1);
    await closed;
    t.true(stuck.fake.numTerminated > 0);
    const { fake, thread } = await startFake(t);
    await thread.close();
    mock.timers.tick(100_000);
    t.is(fake.numTerminated, 0, 'its time limit goes on after its end');
  },
);
