import test from 'ava';
import { BatchDelay } from '../../../../engine/server/batch-delay.ts';

/** A delay in whose first periods requests come, as many as `arrivals` says. */
function delayed(arrivals: readonly number[]) {
  let [periods, requests, begun] = [0, 0, 0];
  const delay: BatchDelay = new BatchDelay(async () => {
    for (let i = arrivals[periods++] ?? 0; i > 0; i--) void come();
  });
  const come = async () => {
    requests++;
    await delay.wait(() => requests);
    begun++;
  };
  return { come, counts: () => ({ periods, requests, begun }) };
}

test('a request that comes alone begins after one period', async (t) => {
  const { come, counts } = delayed([]);
  await come();
  t.deepEqual(counts(), { periods: 1, requests: 1, begun: 1 });
});

test('requests that come meanwhile begin with the first, after a period in which none came', async (t) => {
  const { come, counts } = delayed([2, 1, 0, 5]);
  const first = come();
  t.is(counts().begun, 0);
  await first;
  t.deepEqual(counts(), { periods: 3, requests: 4, begun: 4 });
});

test('requests that keep coming are not waited for longer than eight periods', async (t) => {
  const { come, counts } = delayed(Array<number>(20).fill(1));
  await come();
  t.like(counts(), { periods: 8, requests: 9 });
});

test('a request to a busy engine begins at once', async (t) => {
  const { come, counts } = delayed([]);
  await come();
  await come();
  t.deepEqual(counts(), { periods: 1, requests: 2, begun: 2 });
});

test('by itself a period waits for more than the promises that are pending', async (t) => {
  let ended = false;
  const waiting = new BatchDelay().wait(() => 1).then(() => (ended = true));
  for (let i = 0; i < 20; i++) await undefined;
  t.false(ended);
  t.true(await waiting);
});
