import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { WaitState } from '../../../../../engine/parallel/fork/wait-state.ts';
import { tickMsOf, WaitTimer } from '../../../../../engine/parallel/fork/wait-timer.ts';

test('a wait is counted from the tick that first sees it', async (t) => {
  const state = new WaitState();
  const clock = new WaitTimer(state, 1000);
  t.is(clock.tick().waited, undefined);
  state.begin(1, 'read', 500);
  t.deepEqual(clock.tick().waited, { peer: 1, ms: 0, timeoutMs: 500 });
  await sleep(20);
  const { elapsedMs, waited } = clock.tick();
  t.true(elapsedMs >= 15);
  t.is(waited?.ms, elapsedMs);
  state.end();
  state.begin(1, 'read', Number.POSITIVE_INFINITY);
  t.deepEqual(clock.tick().waited, { peer: 1, ms: 0, timeoutMs: null });
});

test('a process that was stopped has not waited meanwhile', async (t) => {
  const state = new WaitState();
  const clock = new WaitTimer(state, 10);
  state.begin(1, 'read', 500);
  clock.tick();
  await sleep(100);
  t.is(clock.tick().waited?.ms, 20);
});

test('a group looks after itself ten times within its time limit, within reason', (t) => {
  t.deepEqual([1, 1000, 10_000].map(tickMsOf), [20, 100, 250]);
});
