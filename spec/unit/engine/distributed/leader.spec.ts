import test from 'ava';
import { Leader } from '../../../../engine/distributed/leader.ts';

const PLAN = { copies: [], spans: [], logitsRows: [] };

// Leaders of several ranks are tested by spec/distributed/, over processes.

test('a single process computes, sends nothing, and goes on after an error', async (t) => {
  const leader = new Leader();
  t.is(
    leader.runOnAllRanks(PLAN, () => 3),
    3,
  );
  const fail = () => {
    throw new Error('no');
  };
  t.throws(() => leader.runOnAllRanks(PLAN, fail), { message: 'no' });
  leader.fail(new Error('no'));
  t.is(
    leader.runOnAllRanks(PLAN, () => 4),
    4,
  );
  await t.notThrowsAsync(leader.close());
});
