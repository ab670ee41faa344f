import { mock } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { OpenRequests } from '../../../../engine/server/open-requests.ts';

const never = () => {};

test('an end is waited for until no request is open', async (t) => {
  const open = new OpenRequests();
  await open.ended();
  const [first, second] = [open.begin(undefined, never), open.begin(undefined, never)];
  t.is(open.size, 2);
  let hasEnded = false;
  const ended = open.ended().then(() => {
    hasEnded = true;
  });
  first.end();
  await sleep(0);
  t.false(hasEnded);
  const again = open.ended();
  second.end();
  await Promise.all([ended, again]);
  t.is(open.size, 0);
});

test('every open request can be aborted, with the first reason', (t) => {
  const open = new OpenRequests();
  const requests = [open.begin(undefined, never), open.begin(undefined, never)];
  open.abortAll(new Error('closing'));
  open.abortAll(new Error('later'));
  for (const { signal, end } of requests) {
    t.is(signal.reason.message, 'closing');
    end();
  }
});

test('requests whose bodies have not arrived can be aborted alone', (t) => {
  const open = new OpenRequests();
  const [arriving, arrived] = [open.begin(undefined, never), open.begin(undefined, never)];
  arrived.isArriving = false;
  open.abortArriving(new Error('closing'));
  t.deepEqual([arriving.signal.aborted, arrived.signal.aborted], [true, false]);
  arriving.end();
  arrived.end();
});

test('a request that takes too long is aborted with 504; one that has ended is not', async (t) => {
  const open = new OpenRequests();
  const [slow, quick] = [open.begin(1, never), open.begin(1, never)];
  quick.end();
  while (!slow.signal.aborted) await sleep(1);
  t.like(slow.signal.reason, {
    status: 504,
    message: 'cannot answer within 0.001 s, the limit of this server',
  });
  t.false(quick.signal.aborted);
  slow.end();
});

test.serial('a client that has not got the end of an aborted answer after a second is left, once', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const open = new OpenRequests();
  const left: string[] = [];
  const [stuck, quick] = ['stuck', 'quick'].map((name) => open.begin(5000, () => left.push(name)));
  open.abortAll(new Error('closing'));
  mock.timers.tick(500);
  open.abortAll(new Error('later'));
  quick.end();
  mock.timers.tick(499);
  t.deepEqual(left, []);
  mock.timers.tick(1);
  t.deepEqual(left, ['stuck']);
  mock.timers.tick(10_000);
  t.deepEqual(left, ['stuck']);
  t.is(stuck.signal.reason.message, 'closing');
  stuck.end();
});
