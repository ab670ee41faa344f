import test from 'ava';
import { measuredEngine } from '../../../../engine/server/measured-engine.ts';
import type { ServedEvent } from '../../../../engine/server/thread-messages.ts';
import { fakeEngine } from './fakes.ts';

const token = (sample: number) => ({ type: 'token', sample }) as ServedEvent;
const result = (finishReason: string) => ({ type: 'result', result: { finishReason } }) as ServedEvent;

test('tokens of each sample are timed from the request and from one another', async (t) => {
  let time = 100;
  const counts: unknown[] = [];
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
  const measured = measuredEngine(
    engine,
    {
      countPrompt: (numTokens) => counts.push(['prompt', numTokens]),
      countToken: (ms, isFirst) => counts.push([ms, isFirst]),
      countSample: (reason) => counts.push(reason),
      countEnd: (ms) => counts.push(['end', ms]),
    },
    tokens,
    () => time,
  );
  const seen: ServedEvent[] = [];
  for await (const event of measured.generate({ ids: [1, 2, 3], maxNewTokens: 9 })) seen.push(event);
  t.deepEqual(seen, events);
  t.deepEqual(counts, [[10, true], [20, true], [20, false], 'stop', 'length', ['prompt', 3], ['end', 50]]);
  t.deepEqual(tokens, { promptTokens: 3, completionTokens: 3 });
  t.is(measured.stats, engine.stats);
});
