import test from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import { WaitState } from '../../../../../engine/parallel/fork/wait-state.ts';

const failure = { message: 'Rank 3 was killed — “hard”', ranks: [3] };

test('the other thread sees what the main thread waits for', (t) => {
  const main = new WaitState();
  const other = new WaitState(main.buffer);
  t.is(other.waiting, undefined);
  main.begin(2, 'write', 1500);
  t.deepEqual(other.waiting, { peer: 2, direction: 'write', count: 1, timeoutMs: 1500 });
  main.end();
  t.is(other.waiting, undefined);
  main.begin(0, 'read', Number.POSITIVE_INFINITY);
  t.deepEqual(other.waiting, { peer: 0, direction: 'read', count: 2, timeoutMs: Number.POSITIVE_INFINITY });
});

test('begin and end of a wait throw a failure and acknowledge it', (t) => {
  for (const before of [true, false]) {
    const main = new WaitState();
    const other = new WaitState(main.buffer);
    if (!before) main.begin(1, 'read', 1000);
    other.fail(failure);
    t.false(other.acknowledged);
    const error = t.throws(() => (before ? main.begin(1, 'read', 1000) : main.end()), {
      instanceOf: GroupError,
    });
    t.is(error?.message, failure.message);
    t.deepEqual(error?.ranks, failure.ranks);
    t.true(other.acknowledged);
    t.is(other.waiting, undefined);
  }
});

test('only the first failure counts', (t) => {
  const state = new WaitState();
  t.is(state.failure, undefined);
  state.fail(failure);
  state.fail({ message: 'another', ranks: [1] });
  t.deepEqual(state.failure, failure);
  t.deepEqual(state.waitForFailure(0), failure);
});

test('a wait for a failure ends at its time limit', (t) => {
  t.is(new WaitState().waitForFailure(1), undefined);
});

test('a very long message is truncated', (t) => {
  const state = new WaitState();
  state.fail({ message: '“'.repeat(100_000), ranks: [1] });
  t.regex(state.failure?.message ?? '', /^“{1000,}$/);
});
