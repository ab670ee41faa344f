import test from 'ava';
import { ModelDirectory } from '../../../../engine/checkpoint/model-directory.ts';
import { follow, runFollower } from '../../../../engine/distributed/follower.ts';
import { sendSetup } from '../../../../engine/distributed/rank-setup.ts';
import { type StepPlan, sendPlan } from '../../../../engine/distributed/step-plan.ts';
import { CheckpointError, GroupError } from '../../../../engine/errors.ts';
import type { ProcessGroup } from '../../../../engine/parallel/process-group.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { countThreads } from '../../../support/processes/count-threads.ts';
import { rankAlone } from '../model/ranks-in-turn.ts';
import { denseModel, modelDirectory, wideModel } from '../tiny-models.ts';
import { oneWayPair } from './one-way-pair.ts';

trackResources(test);

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
    t.is(error.message, `${used} threads, expected a whole number of 1 to 256`);
  }
});

test('a follower closes the files once it has loaded, and ends its threads when rank 0 closes the engine', async (t) => {
  const directory = await ModelDirectory.open(modelDirectory(t, wideModel()));
  const isClosed = () => {
    try {
      return directory.checkpoint.files[0].read('model.norm.weight').length === 0;
    } catch (error) {
      return error instanceof CheckpointError;
    }
  };
  const threads = countThreads(t);
  const { sender, receiver } = oneWayPair();
  const span = { ids: [1, 2], startPosition: 0, blockTable: [0] };
  const sizes = { tp: 1, ep: 1, cacheTokens: 16, blockSize: 16, maxBatchTokens: 16 };
  sendSetup(sender, { ...sizes, threads: 2, revectorize: false });
  sendPlan(sender, { copies: [], spans: [span], logitsRows: [1] });
  sendPlan(sender, undefined);
  const wasClosed: boolean[] = [];
  const broadcast: ProcessGroup['broadcast'] = (...args) => {
    wasClosed.push(isClosed());
    receiver.broadcast(...args);
  };
  // Without tensor parallelism a step needs no other rank.
  const group = Object.assign(Object.create(receiver), { broadcast, agree: () => {}, barrier: () => {} });
  await runFollower(group, directory);
  // Setup, plan and end: a length, and what is that long.
  t.deepEqual(wasClosed, [false, false, true, true, true]);
  t.deepEqual(await threads(), { started: 1, ended: 1 });
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
