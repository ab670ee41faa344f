import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { OptionError } from '../../../../engine/errors.ts';
import { RequestQueue } from '../../../../engine/serving/request-queue.ts';

/** A source that the test answers, and that records its calls. */
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
    for (let next = queue.take(); next; next = queue.take()) taken.push(next.request);
  }
  return taken;
}

test('all requests of a list arrive in order, whatever the capacity', async (t) => {
  for (const capacity of [1, 2, 16])
    t.deepEqual(await takeAll(new RequestQueue(['a', 'b', 'c'], capacity)), ['a', 'b', 'c']);
  t.deepEqual(await takeAll(new RequestQueue([], 1)), []);
});

test('the requests of a list are there at once', (t) => {
  const queue = new RequestQueue(['a', 'b', 'c'], 2);
  const taken = Array.from({ length: 3 }, () => queue.take()?.request);
  t.deepEqual(taken, ['a', 'b', 'c']);
  t.true(queue.isEmpty);
});

test('a request that has not arrived can be waited for', async (t) => {
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
  t.deepEqual(queue.take(), { request: 'a' });
  await source.end();
  t.true(queue.isEmpty);
  t.is(queue.take(), undefined);
  await queue.wait();
});

test('the queue holds no more requests than its capacity, and has one pending call at most', async (t) => {
  const source = byHand();
  const queue = new RequestQueue(source, 2);
  t.is(source.asked.length, 1);
  await source.bring('a');
  await queue.wait();
  t.is(source.asked.length, 2, 'the first has arrived, the second is pending');
  await source.bring('b');
  t.is(source.asked.length, 2, 'the queue is full');
  await queue.wait();
  t.deepEqual(queue.take(), { request: 'a' });
  t.is(source.asked.length, 3);
  t.deepEqual(queue.take(), { request: 'b' });
  t.is(source.asked.length, 3, 'the call before is still pending');
});

test('an error of the source is thrown after the requests before it', async (t) => {
  async function* failing() {
    yield 'a';
    throw new Error('the wire was cut');
  }
  const queue = new RequestQueue(failing(), 4);
  await turn();
  t.deepEqual(queue.take(), { request: 'a' });
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

test('a closed queue ends its source once, and takes nothing from it afterwards', async (t) => {
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

test('a source that has ended, or cannot be ended, is left alone', async (t) => {
  const ended = byHand();
  const queue = new RequestQueue(ended, 1);
  await ended.end();
  await queue.close();
  t.is(ended.returned, 0);
  await t.notThrowsAsync(new RequestQueue(['a', 'b'], 1).close());
});

test('a pending call of the source is not waited for', async (t) => {
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

test('an error of ending the source is thrown, unless a call is pending', async (t) => {
  const failing = () => Promise.reject(new Error('cannot stop'));
  const idle = { next: async () => ({ done: false, value: 'a' }), return: failing };
  const queue = new RequestQueue({ [Symbol.asyncIterator]: () => idle }, 1);
  await turn();
  await t.throwsAsync(queue.close(), { message: 'cannot stop' });
  const busy = { next: () => new Promise<never>(() => {}), return: failing };
  await t.notThrowsAsync(new RequestQueue({ [Symbol.asyncIterator]: () => busy }, 1).close());
});

test('falsy requests arrive too', async (t) => {
  t.deepEqual(await takeAll(new RequestQueue([undefined, null, 0, ''], 2)), [undefined, null, 0, '']);
});

for (const source of [undefined, null, 5, {}, () => []]) {
  test(`a source that cannot be iterated is refused: ${typeof source} ${source}`, (t) => {
    t.throws(() => new RequestQueue(source as unknown as string[], 1), {
      instanceOf: OptionError,
      message: /^requests is .*; expected requests that can be iterated$/,
    });
  });
}
