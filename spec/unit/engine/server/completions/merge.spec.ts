import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { merge, type Start } from '../../../../../engine/server/completions/merge.ts';

const NEVER = new AbortController().signal;

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const value of values) taken.push(value);
  return taken;
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate();
}

/** A source of its name and a number, and whether it has ended. */
function source(name: string, count: number, turns = 1) {
  const state = { taken: 0, isEnded: false };
  const start: Start<string> = async function* (signal) {
    try {
      for (let i = 0; i < count; i++) {
        for (let turn = 0; turn < turns; turn++) await setImmediate();
        signal.throwIfAborted();
        state.taken++;
        yield `${name}${i}`;
      }
    } finally {
      state.isEnded = true;
    }
  };
  return { start, state };
}

test('what each source yields comes in its order, with its index, as soon as it is there', async (t) => {
  const [slow, fast] = [source('a', 3, 5), source('b', 3)];
  const merged = await all(merge([slow.start, fast.start], NEVER));
  for (const [index, name] of ['a', 'b'].entries()) {
    t.deepEqual(
      merged.filter(([i]) => i === index).map(([, value]) => value),
      [0, 1, 2].map((i) => `${name}${i}`),
    );
  }
  t.deepEqual(merged.at(-1), [0, 'a2']);
  t.deepEqual(await all(merge([], NEVER)), []);
});

test('leaving the loop, an error or the signal ends all sources', async (t) => {
  const failing: Start<string> = async function* () {
    await setImmediate();
    yield 'f';
    throw new RangeError('broken');
  };
  const client = new AbortController();
  const loops = {
    left: async (start: Start<string>) => {
      for await (const _ of merge([start, start], NEVER)) break;
    },
    failed: async (start: Start<string>) => {
      const error = await t.throwsAsync(all(merge([start, failing], NEVER)));
      t.is(error?.message, 'broken');
    },
    aborted: async (start: Start<string>) => {
      const run = all(merge([start], client.signal));
      client.abort(new Error('the client left'));
      t.is((await t.throwsAsync(run))?.message, 'the client left');
    },
  };
  for (const [what, loop] of Object.entries(loops)) {
    const { start, state } = source('a', 1000);
    await loop(start);
    t.true(state.isEnded, what);
    t.true(state.taken < 20, `${what}: ${state.taken} taken`);
  }
});

test('leaving, an error and the signal end sources whose values wait to be taken', async (t) => {
  for (const what of ['left', 'failed', 'aborted']) {
    const client = new AbortController();
    const failure = Promise.withResolvers<void>();
    const failing: Start<string> = async function* (signal) {
      signal.addEventListener('abort', () => failure.resolve());
      yield await failure.promise.then(() => 'unseen');
    };
    const waiting = [source('a', 100), source('b', 100), source('c', 100)];
    const merged = merge([...waiting.map(({ start }) => start), failing], client.signal);
    await merged.next();
    await turns(10);
    if (what === 'failed') failure.reject(new RangeError('broken'));
    if (what === 'aborted') client.abort(new RangeError('broken'));
    const end =
      what === 'left'
        ? merged.return()
        : t.throwsAsync(all(merged), { message: 'broken' }, `${what}: throws`);
    t.is(await Promise.race([end.then(() => 'ends'), turns(100).then(() => 'hangs')]), 'ends', what);
    for (const { state } of waiting) t.true(state.isEnded && state.taken > 0, what);
  }
});

test('a source that knows no signal ends at its next value', async (t) => {
  const { state, start } = source('a', Number.POSITIVE_INFINITY);
  const merged = merge([() => start(NEVER), start], NEVER);
  await merged.next();
  const end = merged.return().then(() => 'ends');
  t.is(await Promise.race([end, turns(100).then(() => 'hangs')]), 'ends');
  t.true(state.isEnded);
});

test('a source waits until its value is taken', async (t) => {
  const { start, state } = source('a', 100);
  const merged = merge([start], NEVER);
  await merged.next();
  await turns(10);
  t.true(state.taken <= 2, `${state.taken} are taken for one that was read`);
  await merged.return();
  t.true(state.isEnded);
});
