import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { WaitState } from '../../../../../engine/parallel/fork/wait-state.ts';
import { tickMsOf, WaitTimer } from '../../../../../engine/parallel/fork/wait-timer.ts';

test('a wait is counted from the tick that first sees it', async (t) => {
  const state = new WaitState();
  const timer = new WaitTimer(state, 1000);
  t.is(timer.tick().wait, undefined);
  state.begin(1, 'read', 500);
  t.deepEqual(timer.tick().wait, { peer: 1, ms: 0, timeoutMs: 500 });
  await sleep(20);
  const { elapsedMs, wait } = timer.tick();
  t.true(elapsedMs >= 15);
  t.is(wait?.ms, elapsedMs);
  state.end();
  state.begin(1, 'read', Number.POSITIVE_INFINITY);
  t.deepEqual(timer.tick().wait, { peer: 1, ms: 0, timeoutMs: null });
});

test('time in which the process was stopped does not count as waiting', async (t) => {
  const state = new WaitState();
  const timer = new WaitTimer(state, 10);
  state.begin(1, 'read', 500);
  timer.tick();
  await sleep(100);
  t.is(timer.tick().wait?.ms, 20);
});

test('a group checks itself ten times within its time limit, every 20 to 250 ms', (t) => {
  t.deepEqual([1, 1000, 10_000].map(tickMsOf), [20, 100, 250]);
});
