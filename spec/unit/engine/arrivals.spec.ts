import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { Arrivals } from '../../../engine/arrivals.ts';

/** A source that is answered by hand, and notes what it is asked. */
function byHand() {
  const asked: PromiseWithResolvers<IteratorResult<string>>[] = [];
  const source = {
    asked,
    returned: 0,
    [Symbol.asyncIterator]: () => ({
      next: () => {
        asked.push(Promise.withResolvers());
        return asked.at(-1)!.promise;
      },
      return: async () => {
        source.returned++;
        return { done: true as const, value: undefined };
      },
    }),
    bring(value: string): Promise<void> {
      asked.at(-1)!.resolve({ done: false, value });
      return turn();
    },
    end(): Promise<void> {
      asked.at(-1)!.resolve({ done: true, value: undefined });
      return turn();
    },
  };
  return source;
}

async function takeAll<T>(arrivals: Arrivals<T>): Promise<T[]> {
  const taken: T[] = [];
  while (!arrivals.isEmpty) {
    await arrivals.wait();
    for (let next = arrivals.take(); next !== undefined; next = arrivals.take()) taken.push(next);
  }
  return taken;
}

test('all of a list arrive, in order, however few are taken ahead', async (t) => {
  for (const ahead of [1, 2, 16])
    t.deepEqual(await takeAll(new Arrivals(['a', 'b', 'c'], ahead)), ['a', 'b', 'c']);
  t.deepEqual(await takeAll(new Arrivals([], 1)), []);
});

test('what has not come yet is not there, and can be waited for', async (t) => {
  const source = byHand();
  const arrivals = new Arrivals(source, 2);
  t.is(arrivals.take(), undefined);
  t.false(arrivals.isEmpty);
  let waited = false;
  const waiting = arrivals.wait().then(() => {
    waited = true;
  });
  await turn();
  t.false(waited);
  await source.bring('a');
  await waiting;
  t.is(arrivals.take(), 'a');
  await source.end();
  t.true(arrivals.isEmpty);
  t.is(arrivals.take(), undefined);
  await arrivals.wait();
});

test('no more are taken ahead than were agreed on, one at a time', async (t) => {
  const source = byHand();
  const arrivals = new Arrivals(source, 2);
  t.is(source.asked.length, 1);
  await source.bring('a');
  await arrivals.wait();
  t.is(source.asked.length, 2, 'the first is there, the second on its way');
  await source.bring('b');
  t.is(source.asked.length, 2, 'two lie there');
  await arrivals.wait();
  t.is(arrivals.take(), 'a');
  t.is(source.asked.length, 3);
  t.is(arrivals.take(), 'b');
  t.is(source.asked.length, 3, 'asked once, until it answers');
});

test('what a source throws comes after what it brought before', async (t) => {
  async function* failing() {
    yield 'a';
    throw new Error('the wire was cut');
  }
  const arrivals = new Arrivals(failing(), 4);
  await turn();
  t.is(arrivals.take(), 'a');
  t.throws(() => arrivals.take(), { message: 'the wire was cut' });
  const list = new Arrivals(
    (function* () {
      yield* [];
      throw new Error('no list');
    })(),
    1,
  );
  await list.wait();
  t.throws(() => list.take(), { message: 'no list' });
});

test('a source is told once that no more is wanted, and asked for nothing afterwards', async (t) => {
  const source = byHand();
  const arrivals = new Arrivals(source, 1);
  await source.bring('a');
  await arrivals.close();
  await arrivals.close();
  t.is(source.returned, 1);
  arrivals.take();
  await turn();
  t.is(source.asked.length, 1);
});

test('a source that has ended, or has nothing to be told, is left alone', async (t) => {
  const ended = byHand();
  const arrivals = new Arrivals(ended, 1);
  await ended.end();
  await arrivals.close();
  t.is(ended.returned, 0);
  await t.notThrowsAsync(new Arrivals(['a', 'b'], 1).close());
});

test('a source that is still being asked is not waited for', async (t) => {
  let cleanedUp = false;
  const { promise: forever, resolve } = Promise.withResolvers<void>();
  async function* silent() {
    try {
      await forever;
      yield 'late';
    } finally {
      cleanedUp = true;
    }
  }
  const arrivals = new Arrivals(silent(), 3);
  await arrivals.close();
  t.false(cleanedUp);
  resolve();
  await turn();
  t.true(cleanedUp);
});

test('what a source throws when it is told to stop is thrown, unless it is not waited for', async (t) => {
  const failing = () => Promise.reject(new Error('cannot stop'));
  const idle = { next: async () => ({ done: false, value: 'a' }), return: failing };
  const arrivals = new Arrivals({ [Symbol.asyncIterator]: () => idle }, 1);
  await turn();
  await t.throwsAsync(arrivals.close(), { message: 'cannot stop' });
  const busy = { next: () => new Promise<never>(() => {}), return: failing };
  await t.notThrowsAsync(new Arrivals({ [Symbol.asyncIterator]: () => busy }, 1).close());
});
