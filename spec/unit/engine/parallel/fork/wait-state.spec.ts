import test from 'ava';
import { GroupError } from '../../../../../engine/errors.ts';
import { WaitState } from '../../../../../engine/parallel/fork/wait-state.ts';

const verdict = { message: 'Rank 3 was killed — “hard”', ranks: [3] };

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

test('a failure is thrown before and after a wait, and noticed', (t) => {
  for (const before of [true, false]) {
    const main = new WaitState();
    const other = new WaitState(main.buffer);
    if (!before) main.begin(1, 'read', 1000);
    other.fail(verdict);
    t.false(other.noticed);
    const error = t.throws(() => (before ? main.begin(1, 'read', 1000) : main.end()), {
      instanceOf: GroupError,
    });
    t.is(error?.message, verdict.message);
    t.deepEqual(error?.ranks, verdict.ranks);
    t.true(other.noticed);
    t.is(other.waiting, undefined);
  }
});

test('only the first failure counts', (t) => {
  const state = new WaitState();
  t.is(state.verdict, undefined);
  state.fail(verdict);
  state.fail({ message: 'another', ranks: [1] });
  t.deepEqual(state.verdict, verdict);
  t.deepEqual(state.waitForVerdict(0), verdict);
});

test('a wait for a failure ends', (t) => {
  t.is(new WaitState().waitForVerdict(1), undefined);
});

test('a very long reason is cut', (t) => {
  const state = new WaitState();
  state.fail({ message: '“'.repeat(100_000), ranks: [1] });
  t.regex(state.verdict?.message ?? '', /^“{1000,}$/);
});
