import test from 'ava';
import { Leader } from '../../../../engine/distributed/leader.ts';
import { receivePlan } from '../../../../engine/distributed/step-plan.ts';
import { GroupError } from '../../../../engine/errors.ts';
import type { ProcessGroup } from '../../../../engine/parallel/process-group.ts';
import { rankAlone } from '../model/ranks-in-turn.ts';
import { oneWayPair } from './one-way-pair.ts';

const PLAN = { copies: [], spans: [], logitsRows: [] };
const fail = () => {
  throw new Error('no');
};

test('a single process computes, sends nothing, and goes on after an error', async (t) => {
  const leader = new Leader();
  t.is(
    leader.runOnAllRanks(PLAN, () => 3),
    3,
  );
  t.throws(() => leader.runOnAllRanks(PLAN, fail), { message: 'no' });
  leader.fail(new Error('no'));
  t.is(
    leader.runOnAllRanks(PLAN, () => 4),
    4,
  );
  await t.notThrowsAsync(leader.close());
});

test('a leader computes while a step runs, and not after it, also if it fails', (t) => {
  const leader = new Leader();
  t.false(leader.isComputing);
  t.true(leader.runOnAllRanks(PLAN, () => leader.isComputing));
  t.false(leader.isComputing);
  t.throws(() => leader.runOnAllRanks(PLAN, fail));
  t.false(leader.isComputing);
});

/** Rank 0 of 2, and what it does: it sends, aborts, checks or closes. */
function recordingGroup(exchange: () => void = () => {}): { group: ProcessGroup; done: string[] } {
  const done: string[] = [];
  const send = () => {
    done.push('send');
    exchange();
  };
  const group: ProcessGroup = Object.assign(rankAlone(0, 2, send), {
    abort(reason: string): never {
      done.push(`abort: ${reason}`);
      throw new GroupError(reason, [0]);
    },
    check: () => done.push('check'),
    close: async () => {
      done.push('close');
    },
  });
  return { group, done };
}

test('rank 0 sends a step before it computes its part, and at its end that there are no more', async (t) => {
  const { sender, receiver } = oneWayPair();
  const leader = new Leader(sender);
  const plan = { ...PLAN, logitsRows: [1, 4] };
  t.is(
    leader.runOnAllRanks(plan, () => {
      t.deepEqual(receivePlan(receiver), plan);
      return 5;
    }),
    5,
  );
  await leader.close();
  t.is(receivePlan(receiver), undefined);
});

test('an error of a step ends the group with its message, and closing sends nothing more', async (t) => {
  const { group, done } = recordingGroup();
  const leader = new Leader(group);
  t.throws(() => leader.runOnAllRanks(PLAN, fail), { instanceOf: Error, message: 'no' });
  // The length of the plan, and the plan.
  t.deepEqual(done.splice(0), ['send', 'send', 'abort: Error: no']);
  await leader.close();
  t.deepEqual(done, ['close']);
});

test('an error of the group is thrown as it is, and closing sends nothing more', async (t) => {
  const error = new GroupError('rank 1 was killed', [1]);
  const { group, done } = recordingGroup(() => {
    throw error;
  });
  const leader = new Leader(group);
  const computed = () => t.fail('the other ranks do not know of the step');
  t.is(
    t.throws(() => leader.runOnAllRanks(PLAN, computed)),
    error,
  );
  await leader.close();
  t.deepEqual(done, ['send', 'close']);
});

test('a group whose ranks cannot be reached at the end is closed all the same', async (t) => {
  const { group, done } = recordingGroup(() => {
    throw new GroupError('rank 1 was killed', [1]);
  });
  await t.throwsAsync(new Leader(group).close(), { instanceOf: GroupError, message: 'rank 1 was killed' });
  t.deepEqual(done, ['send', 'close']);
});

test('a leader looks for ranks that have ended without a step', (t) => {
  const { group, done } = recordingGroup();
  new Leader(group).checkRanks();
  t.deepEqual(done, ['check']);
});
