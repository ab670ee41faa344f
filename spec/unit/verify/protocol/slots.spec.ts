import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Slots } from '../../../../verify/protocol/slots.ts';

test('as many tasks have a slot as there are, and the others follow in order', async (t) => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const all = [0, 1, 2, 3].map(async (i) => {
    await slots.acquire();
    begun.push(i);
  });
  await setImmediate();
  t.deepEqual(begun, [0, 1]);
  slots.release();
  await setImmediate();
  t.deepEqual(begun, [0, 1, 2]);
  slots.release();
  await Promise.all(all);
  t.deepEqual(begun, [0, 1, 2, 3]);
});

test('a task that is aborted while it waits leaves its place', async (t) => {
  const slots = new Slots(1);
  await slots.acquire();
  const controller = new AbortController();
  const aborted = slots.acquire(controller.signal);
  const next = slots.acquire(new AbortController().signal);
  const reason = new Error('stopped');
  controller.abort(reason);
  t.is(await t.throwsAsync(aborted), reason);
  t.is(await t.throwsAsync(slots.acquire(controller.signal)), reason);
  slots.release();
  await next;
  slots.release();
  await t.notThrowsAsync(slots.acquire());
});
