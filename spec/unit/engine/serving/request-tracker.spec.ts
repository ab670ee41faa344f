import test from 'ava';
import type { Generation, GenerationContext } from '../../../../engine/serving/generation.ts';
import { type RequestStream, RequestTracker } from '../../../../engine/serving/request-tracker.ts';
import type { GenerateRequest, TokenEvent } from '../../../../engine/serving/requests.ts';
import { generationContext } from './contexts.ts';

const VOCAB = 4;

const CONFIG = { vocabSize: VOCAB, eosTokenIds: [], maxPositionEmbeddings: 64 };

function contextOf(index: number, options: Partial<GenerateRequest> = {}): GenerationContext {
  return generationContext({ ids: [1, 2], maxNewTokens: 3, ...options }, CONFIG, { index });
}

const tokenOf = (generation: Generation): TokenEvent =>
  generation.sampleToken(new Float32Array(VOCAB)) as TokenEvent;

function pushTokens(tracker: RequestTracker, generation: Generation, count: number): void {
  const event = tokenOf(generation);
  for (let i = 0; i < count; i++) tracker.push(generation, event);
}

/** A caller with one request. */
function startOne(tracker: RequestTracker, index = 0): { stream: RequestStream; generation: Generation } {
  const stream = tracker.createStream();
  return { stream, generation: tracker.start(contextOf(index), stream) };
}

test('an event goes to the caller of its generation, and to no other', (t) => {
  const tracker = new RequestTracker();
  const [one, other] = [startOne(tracker), startOne(tracker)];
  const event = tokenOf(other.generation);
  tracker.push(other.generation, event);
  t.deepEqual([one.stream.events, other.stream.events], [[], [event]]);
  t.deepEqual([...one.stream.generations], [one.generation]);
});

test('every sequence has an id of its own, among all callers', (t) => {
  const tracker = new RequestTracker();
  const { generation: one } = startOne(tracker);
  const first = tracker.start(contextOf(0, { n: 3, temperature: 1 }), tracker.createStream());
  const all = [one, first, ...tracker.fork(first), startOne(tracker).generation];
  t.deepEqual(
    all.map(({ sequence }) => sequence.id),
    [0, 1, 2, 3, 4],
  );
});

test('a request is forked into its other samples, which belong to its caller', (t) => {
  const tracker = new RequestTracker();
  const stream = tracker.createStream();
  const first = tracker.start(contextOf(5, { n: 3, temperature: 1 }), stream);
  t.is(first.sample, 0);
  const others = tracker.fork(first);
  t.deepEqual(
    others.map(({ sample }) => sample),
    [1, 2],
  );
  for (const { context } of others) t.is(context, first.context);
  t.deepEqual([...stream.generations], [first, ...others]);
  t.deepEqual(tracker.fork(startOne(tracker).generation), []);
});

test('a finished generation gives its caller a result, and is removed', (t) => {
  const tracker = new RequestTracker();
  const { stream, generation } = startOne(tracker, 7);
  tokenOf(generation);
  tracker.finish(generation, 'abort');
  t.is(stream.generations.size, 0);
  t.is(stream.events.length, 1);
  const [event] = stream.events;
  if (event.type !== 'result') return t.fail(event.type);
  const { result, ...names } = event;
  t.deepEqual(names, { type: 'result', request: 7, sample: 0 });
  t.deepEqual(result, { ...generation.result('abort'), timing: result.timing });
  t.deepEqual([result.tokens, result.finishReason], [[0], 'abort']);
  t.throws(() => tracker.push(generation, event), {
    instanceOf: RangeError,
    message: 'sequence 0 is not tracked',
  });
  t.deepEqual(tracker.generations, []);
});

test('a result of the second sample names it, and leaves the first', (t) => {
  const tracker = new RequestTracker();
  const stream = tracker.createStream();
  const first = tracker.start(contextOf(3, { n: 2, temperature: 1 }), stream);
  const [second] = tracker.fork(first);
  tracker.finish(second, 'length');
  t.like(stream.events, { 0: { type: 'result', request: 3, sample: 1 }, length: 1 });
  t.deepEqual([...stream.generations], [first]);
});

test('a removed generation gives no event, and is not tracked any more', (t) => {
  const tracker = new RequestTracker();
  const { stream, generation } = startOne(tracker);
  tracker.remove(generation);
  t.deepEqual([stream.events, stream.generations.size], [[], 0]);
  for (const use of [() => tracker.fork(generation), () => tracker.remove(generation)]) {
    t.throws(use, { instanceOf: RangeError, message: 'sequence 0 is not tracked' });
  }
});

test('the unfinished samples of a request are those of no other request', (t) => {
  const tracker = new RequestTracker();
  const other = startOne(tracker).generation;
  const first = tracker.start(contextOf(0, { n: 3, temperature: 1 }), tracker.createStream());
  const [second, third] = tracker.fork(first);
  tracker.remove(second);
  t.deepEqual(tracker.samplesOf(third), [first, third]);
  t.deepEqual(tracker.generations, [other, first, third]);
  t.deepEqual(
    [other, first, second].map((generation) => tracker.has(generation)),
    [true, true, false],
  );
});

test('of a request whose other samples cannot all be made, none is tracked', (t) => {
  const tracker = new RequestTracker();
  let streams = 0;
  const createStream = () => {
    if (++streams === 3) throw new Error('no more streams');
    return { push: () => '', end: () => '' };
  };
  const first = tracker.start(
    { ...contextOf(0, { n: 3, temperature: 1 }), tokenizer: { createStream } },
    tracker.createStream(),
  );
  t.throws(() => tracker.fork(first), { message: 'no more streams' });
  t.deepEqual(tracker.generations, [first]);
});

test('the sequences of a caller with 256 events pause until it takes one', (t) => {
  const tracker = new RequestTracker();
  const [slow, quick] = [startOne(tracker), startOne(tracker)];
  const paused = () => {
    tracker.pauseSlow();
    return [slow, quick].map(({ generation }) => generation.sequence.paused);
  };
  pushTokens(tracker, slow.generation, 255);
  t.deepEqual(paused(), [false, false]);
  pushTokens(tracker, slow.generation, 1);
  t.deepEqual(paused(), [true, false]);
  slow.stream.events.shift();
  t.deepEqual(paused(), [false, false]);
});
