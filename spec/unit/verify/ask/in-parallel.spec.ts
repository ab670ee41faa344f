import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { inParallel } from '../../../../verify/ask/in-parallel.ts';

test('results have the order of the items, whichever ends first', async (t) => {
  const results = await inParallel([30, 1, 10], 3, async (ms, i) => {
    await sleep(ms);
    return `${i}:${ms}`;
  });
  t.deepEqual(results, ['0:30', '1:1', '2:10']);
});

test('no more than the limit are on their way, and the limit is used', async (t) => {
  let [running, most] = [0, 0];
  await inParallel(Array(20).fill(0), 3, async () => {
    most = Math.max(most, ++running);
    await sleep(1);
    running--;
  });
  t.is(most, 3);
});

test('the first failure is thrown, after what was on its way has ended, and nothing begins after it', async (t) => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = inParallel([0, 1, 2, 3], 2, async (item) => {
    begun.push(item);
    await sleep(item === 0 ? 5 : 20);
    if (item === 0) throw new Error('no');
    ended.push(item);
  });
  await t.throwsAsync(work, { message: 'no' });
  t.deepEqual([begun, ended], [[0, 1], [1]]);
});

test('no items are no results', async (t) => {
  t.deepEqual(await inParallel([], 4, async () => 1), []);
});
