import test from 'ava';
import { Ranks } from '../../../../engine/distributed/leader.ts';

const PLAN = { copies: [], spans: [], rows: [] };

// What ranks do together is shown by spec/distributed/, over processes.

test('a process alone computes, tells nobody, and goes on after an error', async (t) => {
  const ranks = new Ranks();
  t.is(
    ranks.together(PLAN, () => 3),
    3,
  );
  const fail = () => {
    throw new Error('no');
  };
  t.throws(() => ranks.together(PLAN, fail), { message: 'no' });
  ranks.fail(new Error('no'));
  t.is(
    ranks.together(PLAN, () => 4),
    4,
  );
  await t.notThrowsAsync(ranks.close());
});
