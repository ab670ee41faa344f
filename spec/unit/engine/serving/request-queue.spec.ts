import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { RequestQueue } from '../../../../engine/serving/request-queue.ts';

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

async function takeAll<T>(queue: RequestQueue<T>): Promise<T[]> {
  const taken: T[] = [];
  while (!queue.isEmpty) {
    await queue.wait();
    for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next);
  }
  return taken;
}

test('all of a list arrive, in order, however few are taken ahead', async (t) => {
  for (const ahead of [1, 2, 16])
    t.deepEqual(await takeAll(new RequestQueue(['a', 'b', 'c'], ahead)), ['a', 'b', 'c']);
  t.deepEqual(await takeAll(new RequestQueue([], 1)), []);
});

test('what has not come yet is not there, and can be waited for', async (t) => {
  const source = byHand();
  const queue = new RequestQueue(source, 2);
  t.is(queue.take(), undefined);
  t.false(queue.isEmpty);
  let waited = false;
  const waiting = queue.wait().then(() => {
    waited = true;
  });
  await turn();
  t.false(waited);
  await source.bring('a');
  await waiting;
  t.is(queue.take(), 'a');
  await source.end();
  t.true(queue.isEmpty);
  t.is(queue.take(), undefined);
  await queue.wait();
});

test('no more are taken ahead than were agreed on, one at a time', async (t) => {
  const source = byHand();
  const queue = new RequestQueue(source, 2);
  t.is(source.asked.length, 1);
  await source.bring('a');
  await queue.wait();
  t.is(source.asked.length, 2, 'the first is there, the second on its way');
  await source.bring('b');
  t.is(source.asked.length, 2, 'two lie there');
  await queue.wait();
  t.is(queue.take(), 'a');
  t.is(source.asked.length, 3);
  t.is(queue.take(), 'b');
  t.is(source.asked.length, 3, 'asked once, until it answers');
});

test('what a source throws comes after what it brought before', async (t) => {
  async function* failing() {
    yield 'a';
    throw new Error('the wire was cut');
  }
  const queue = new RequestQueue(failing(), 4);
  await turn();
  t.is(queue.take(), 'a');
  t.throws(() => queue.take(), { message: 'the wire was cut' });
  const list = new RequestQueue(
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
  const queue = new RequestQueue(source, 1);
  await source.bring('a');
  await queue.close();
  await queue.close();
  t.is(source.returned, 1);
  queue.take();
  await turn();
  t.is(source.asked.length, 1);
});

test('a source that has ended, or has nothing to be told, is left alone', async (t) => {
  const ended = byHand();
  const queue = new RequestQueue(ended, 1);
  await ended.end();
  await queue.close();
  t.is(ended.returned, 0);
  await t.notThrowsAsync(new RequestQueue(['a', 'b'], 1).close());
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
  const queue = new RequestQueue(silent(), 3);
  await queue.close();
  t.false(cleanedUp);
  resolve();
  await turn();
  t.true(cleanedUp);
});

test('what a source throws when it is told to stop is thrown, unless it is not waited for', async (t) => {
  const failing = () => Promise.reject(new Error('cannot stop'));
  const idle = { next: async () => ({ done: false, value: 'a' }), return: failing };
  const queue = new RequestQueue({ [Symbol.asyncIterator]: () => idle }, 1);
  await turn();
  await t.throwsAsync(queue.close(), { message: 'cannot stop' });
  const busy = { next: () => new Promise<never>(() => {}), return: failing };
  await t.notThrowsAsync(new RequestQueue({ [Symbol.asyncIterator]: () => busy }, 1).close());
});
