import test from 'ava';
import { measuredEngine } from '../../../../engine/server/measured-engine.ts';
import type { ServedEvent } from '../../../../engine/server/thread-messages.ts';
import { fakeEngine } from './fakes.ts';

const token = (sample: number) => ({ type: 'token', sample }) as ServedEvent;
const result = (finishReason: string) => ({ type: 'result', result: { finishReason } }) as ServedEvent;

/** Counts what is measured. @returns what was counted, in order. */
function counting() {
  const counts: unknown[] = [];
  const metrics: Parameters<typeof measuredEngine>[1] = {
    countPrompt: (numTokens) => counts.push(['prompt', numTokens]),
    countToken: (ms, isFirst) => counts.push([ms, isFirst]),
    countSample: (reason) => counts.push(reason),
    countEnd: (ms) => counts.push(['end', ms]),
  };
  return { counts, metrics };
}

test('tokens of a whole answer come with its result, between them the mean time', async (t) => {
  let time = 100;
  const { counts, metrics } = counting();
  const tokens = { promptTokens: 0, completionTokens: 0 };
  const whole = (numTokens: number, decodeMs: number) => ({
    type: 'result',
    result: { finishReason: 'stop', tokens: Array(numTokens).fill(5), timing: { prefillMs: 1, decodeMs } },
  });
  const engine = {
    ...fakeEngine(),
    async *generate() {
      time += 50;
      yield* [whole(3, 30), whole(1, 0), whole(0, 0)] as ServedEvent[];
    },
  };
  const request = { ids: [1, 2], maxNewTokens: 9, resultsOnly: true };
  for await (const _ of measuredEngine(engine, metrics, tokens, () => time).generate(request));
  const first = [[20, true], [15, false], [15, false], 'stop'];
  t.deepEqual(counts, [...first, [50, true], 'stop', 'stop', ['prompt', 2], ['end', 50]]);
  t.deepEqual(tokens, { promptTokens: 2, completionTokens: 4 });
});

test('tokens of each sample are timed from the request and from one another', async (t) => {
  let time = 100;
  const { counts, metrics } = counting();
  const tokens = { promptTokens: 0, completionTokens: 0 };
  const events = [token(0), token(1), token(0), result('stop'), result('length')];
  const engine = {
    ...fakeEngine(),
    async *generate() {
      for (const event of events) {
        time += 10;
        yield event;
      }
    },
  };
  const measured = measuredEngine(engine, metrics, tokens, () => time);
  const seen: ServedEvent[] = [];
  for await (const event of measured.generate({ ids: [1, 2, 3], maxNewTokens: 9 })) seen.push(event);
  t.deepEqual(seen, events);
  t.deepEqual(counts, [[10, true], [20, true], [20, false], 'stop', 'length', ['prompt', 3], ['end', 50]]);
  t.deepEqual(tokens, { promptTokens: 3, completionTokens: 3 });
  t.is(measured.limits, engine.limits);
  engine.stats = { ...engine.stats, steps: 7 };
  t.is(measured.stats, engine.stats, 'as of now');
});

test('a request that fails has the tokens that came, and neither a prompt nor an end', async (t) => {
  const { counts, metrics } = counting();
  const tokens = { promptTokens: 0, completionTokens: 0 };
  const signals: unknown[] = [];
  const engine = {
    ...fakeEngine(),
    async *generate(_: unknown, given?: AbortSignal) {
      signals.push(given);
      yield token(0);
      throw new Error('broken');
    },
  };
  const { signal } = new AbortController();
  const served = measuredEngine(engine, metrics, tokens, () => 5).generate(
    { ids: [1], maxNewTokens: 9 },
    signal,
  );
  t.like(await served.next(), { value: token(0), done: false });
  await t.throwsAsync(served.next(), { message: 'broken' });
  t.deepEqual([counts, tokens], [[[0, true]], { promptTokens: 0, completionTokens: 1 }]);
  t.deepEqual(signals, [signal]);
});
