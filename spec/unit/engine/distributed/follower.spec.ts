import test from 'ava';
import { ModelDirectory } from '../../../../engine/checkpoint/model-directory.ts';
import { follow, runFollower } from '../../../../engine/distributed/follower.ts';
import { sendSetup } from '../../../../engine/distributed/rank-setup.ts';
import { type StepPlan, sendPlan } from '../../../../engine/distributed/step-plan.ts';
import { CheckpointError, GroupError } from '../../../../engine/errors.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { rankAlone } from '../model/ranks-in-turn.ts';
import { denseModel, modelDirectory } from '../tiny-models.ts';
import { oneWayPair } from './one-way-pair.ts';

trackResources(test);

// Followers that compute are tested by spec/distributed/, over processes.

const PLANS: StepPlan[] = [
  { copies: [], spans: [], logitsRows: [0] },
  { copies: [{ from: 1, to: 2 }], spans: [], logitsRows: [] },
];

for (const tp of [1, 2]) {
  test(`a follower computes the steps of rank 0 until it closes, with ${tp} ranks of tensor parallelism`, (t) => {
    const { sender, receiver } = oneWayPair();
    for (const plan of [...PLANS, undefined]) sendPlan(sender, plan);
    const calls: [string, StepPlan][] = [];
    const hidden = new Float32Array(1);
    const rankModel = {
      forward: (plan: StepPlan) => {
        calls.push(['forward', plan]);
        return hidden;
      },
      logits: (states: Float32Array, plan: StepPlan) => {
        t.is(states, hidden);
        calls.push(['logits', plan]);
      },
    };
    follow(receiver, rankModel, tp);
    const expected = PLANS.flatMap((plan): [string, StepPlan][] =>
      tp > 1
        ? [
            ['forward', plan],
            ['logits', plan],
          ]
        : [['forward', plan]],
    );
    t.deepEqual(calls, expected, 'without tensor parallelism rank 0 computes the logits alone');
  });
}

test('the threads of a rank are its own, or else those of rank 0', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const setup = {
    ...{ tp: 2, ep: 1, cacheTokens: 16, blockSize: 16, maxBatchTokens: 16 },
    revectorize: false,
  };
  // Refused before the first is started, with their number.
  for (const [own, ofRank0, used] of [
    [999, 1, 999],
    [undefined, 998, 998],
  ]) {
    const { sender, receiver } = oneWayPair();
    sendSetup(sender, { ...setup, threads: ofRank0! });
    const error = await t.throwsAsync(runFollower(receiver, await ModelDirectory.open(dir), own));
    t.regex(error.message, new RegExp(`^${used} threads, expected`));
  }
});

test('a follower that fails ends the group, and closes the files', async (t) => {
  const directory = await ModelDirectory.open(modelDirectory(t, denseModel()));
  const reasons: string[] = [];
  const group = Object.assign(
    rankAlone(1, 2, () => {
      throw new Error('no setup came');
    }),
    {
      abort(reason: string): never {
        reasons.push(reason);
        throw new GroupError(reason, [1]);
      },
    },
  );
  await t.throwsAsync(runFollower(group, directory), { message: 'no setup came' });
  t.deepEqual(reasons, ['Error: no setup came']);
  const [file] = directory.checkpoint.files;
  t.throws(() => file.read('model.norm.weight'), { instanceOf: CheckpointError, message: /closed/ });
});
