import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { BatchDelay } from '../../../../engine/server/batch-delay.ts';
import { unpackEvent } from '../../../../engine/server/packed-logprobs.ts';
import type { FromThread, RequestNews, ThreadRequest } from '../../../../engine/server/thread-messages.ts';
import { ThreadRequests } from '../../../../engine/server/thread-requests.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, loadEngine } from '../tiny-models.ts';

trackResources(test);

const REQUEST: ThreadRequest = { ids: [3, 0, 18, 7], maxNewTokens: 3, ignoreEos: true };

/** Requests of an engine, what was sent of them, and how a wait for further ones ends. */
async function setUp(t: ExecutionContext) {
  const engine = await loadEngine(t, denseModel());
  const { promise: delayed, resolve: begin } = Promise.withResolvers<void>();
  const sent: FromThread[] = [];
  let delays = 0;
  const batchDelay = new BatchDelay(() => {
    delays++;
    return delayed;
  });
  const requests = new ThreadRequests(engine, (message) => sent.push(message), batchDelay);
  const news = () => sent.flatMap((message) => (message.type === 'news' ? message.news : []));
  return { engine, requests, begin, sent, news, countDelays: () => delays };
}

const typesOf = (news: readonly RequestNews[], id: number) =>
  news.filter((each) => each.id === id).map(({ event }) => (event ? unpackEvent(event).type : 'end'));

test('requests that come to an idle engine one after another begin in one step, and a step is one message', async (t) => {
  const { engine, requests, begin, sent, news, countDelays } = await setUp(t);
  const served = [requests.serve(0, REQUEST)];
  await turn();
  served.push(requests.serve(1, { ...REQUEST, resultsOnly: true }));
  await turn();
  t.is(engine.stats().steps, 0);
  begin();
  await Promise.all(served);
  await turn();
  t.is(engine.stats().steps, 3, 'the prompts in one step, and a step for each further token');
  t.deepEqual(typesOf(news(), 0), ['token', 'token', 'token', 'result', 'end']);
  t.deepEqual(typesOf(news(), 1), ['result', 'end']);
  t.is(sent.length, 3);
  t.like(sent.at(-1), { type: 'news', stats: { running: 0, steps: 3 } });
  const before = countDelays();
  await requests.serve(2, REQUEST);
  t.is(countDelays(), before + 1, 'the engine is idle again');
});

test('a request that is refused has an error as its end, one that is taken back has no result', async (t) => {
  const { engine, requests, begin, news } = await setUp(t);
  const served = [requests.serve(0, { ...REQUEST, topP: 3 }), requests.serve(1, REQUEST)];
  requests.abort(1);
  requests.abort(7);
  begin();
  await Promise.all(served);
  await turn();
  t.like(news(), [
    { id: 0, event: undefined, error: { name: 'OptionError' } },
    { id: 1, event: undefined },
  ]);
  t.is(engine.stats().steps, 0);
});

test('an engine that is closed before the first step fails the thread', async (t) => {
  const { engine, requests, begin, sent } = await setUp(t);
  const served = requests.serve(0, REQUEST);
  requests.abortAll();
  await engine.close();
  begin();
  await served;
  t.like(sent, [{ type: 'failed', error: { name: 'EngineClosedError' } }]);
});
