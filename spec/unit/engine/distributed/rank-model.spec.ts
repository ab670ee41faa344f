import test, { type ExecutionContext } from 'ava';
import { ModelDirectory } from '../../../../engine/checkpoint/model-directory.ts';
import { follow } from '../../../../engine/distributed/follower.ts';
import { Leader } from '../../../../engine/distributed/leader.ts';
import { RankModel } from '../../../../engine/distributed/rank-model.ts';
import { receiveSetup, sendSetup } from '../../../../engine/distributed/rank-setup.ts';
import { NO_TIMEOUT, type StepPlan } from '../../../../engine/distributed/step-plan.ts';
import { GroupError } from '../../../../engine/errors.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { HEAD_ROWS } from '../../../../engine/model/qwen3.ts';
import type { Parallelism } from '../../../../engine/model/shard.ts';
import type { ProcessGroup } from '../../../../engine/parallel/process-group.ts';
import { singleProcessGroup } from '../../../../engine/parallel/single-process-group.ts';
import { shardedDense, shardedMoe } from '../../../support/groups/sharded-models.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import { bitDifference } from '../kernels/same-bits.ts';
import { inTurn, rankAlone } from '../model/ranks-in-turn.ts';
import { denseModel, modelDirectory } from '../tiny-models.ts';
import { limitsOf } from './one-way-pair.ts';

trackResources(test);

const SETUP = {
  tp: 1,
  ep: 1,
  cacheTokens: 45,
  blockSize: 2,
  maxBatchTokens: 40,
  threads: 1,
  revectorize: false,
};
const VOCAB = 19;

async function load(t: ExecutionContext): Promise<RankModel> {
  const directory = closing(t, await ModelDirectory.open(modelDirectory(t, denseModel())));
  return RankModel.load(singleProcessGroup(), directory, createScalarKernels(), SETUP);
}

test('a single process has the whole model, and a cache of full blocks', async (t) => {
  const { model, cache } = await load(t);
  t.deepEqual(model.config, denseModel().config);
  t.is(model.maxRows, 40);
  t.deepEqual([cache.numBlocks, cache.blockSize], [23, 2]);
});

test('logits of all rows come in order, however many are computed at once', async (t) => {
  const rankModel = await load(t);
  const ids = Array.from({ length: 2 * HEAD_ROWS + 3 }, (_, i) => (i * i) % VOCAB);
  const logitsRows = [...ids.keys()].filter((row) => row !== 5);
  const blockTable = Array.from({ length: 18 }, (_, i) => i);
  const plan = { copies: [], spans: [{ ids, startPosition: 0, blockTable }], logitsRows };
  const hidden = rankModel.forward(plan).slice();
  const indices: number[] = [];
  rankModel.logits(hidden, plan, ({ logits, argmax }, i) => {
    indices.push(i);
    const copy = logits.slice();
    t.is(argmax, copy.indexOf(Math.max(...copy)), `row ${i}`);
    t.is(bitDifference(copy, rankModel.model.logits(hidden, [logitsRows[i]]).values), undefined, `row ${i}`);
  });
  t.deepEqual(indices, [...logitsRows.keys()]);
});

test('blocks are copied before the step', async (t) => {
  const rankModel = await load(t);
  const run = (
    ids: number[],
    startPosition: number,
    blockTable: number[],
    copies: { from: number; to: number }[],
  ) => rankModel.forward({ copies, spans: [{ ids, startPosition, blockTable }], logitsRows: [] }).slice();
  run([3, 0], 0, [4], []);
  const expected = run([18], 2, [4, 5], []);
  t.is(bitDifference(run([18], 2, [9, 10], [{ from: 4, to: 9 }]), expected), undefined);
  t.not(bitDifference(run([18], 2, [11, 12], []), expected), undefined, 'an empty block gives other bits');
});

test('a rank waits for any time until the others have loaded', async (t) => {
  const directory = closing(t, await ModelDirectory.open(modelDirectory(t, denseModel())));
  const { group, limits } = limitsOf(rankAlone(1, 2));
  const agreeing = Object.assign(group, { agree: () => {} });
  RankModel.load(agreeing, directory, createScalarKernels(), SETUP);
  t.deepEqual(limits, [NO_TIMEOUT]);
});

test('ranks that have opened different models do not load them', async (t) => {
  const directories: ModelDirectory[] = [];
  for (const model of [shardedDense(), shardedDense(true)]) {
    directories.push(closing(t, await ModelDirectory.open(modelDirectory(t, model))));
  }
  const load = (group: ProcessGroup) => {
    RankModel.load(group, directories[group.rank], createScalarKernels(), { ...SETUP, tp: 2 });
  };
  t.throws(() => inTurn(2, load), {
    instanceOf: GroupError,
    message: /^The ranks disagree on config: rank 1 against the others /,
  });
});

/** A token; two prompts, of which one goes on in copied blocks; more logits than are computed at once. */
const PLANS: StepPlan[] = [
  { copies: [], spans: [{ ids: [9], startPosition: 0, blockTable: [2] }], logitsRows: [0] },
  {
    copies: [],
    spans: [
      { ids: Array.from({ length: 19 }, (_, i) => (i * i) % 24), startPosition: 0, blockTable: [3, 1] },
      { ids: [23, 0, 12], startPosition: 0, blockTable: [0] },
    ],
    logitsRows: Array.from({ length: 21 }, (_, row) => row + 1),
  },
  {
    copies: [{ from: 1, to: 2 }],
    spans: [{ ids: [7, 8], startPosition: 19, blockTable: [3, 2] }],
    logitsRows: [1],
  },
  { copies: [], spans: [{ ids: [5], startPosition: 3, blockTable: [0] }], logitsRows: [] },
];

for (const [what, model, spreads] of [
  ['a dense model', shardedDense(), [{ tp: 4, ep: 1 }]],
  [
    'a mixture of experts',
    shardedMoe(),
    [
      { tp: 2, ep: 1 },
      { tp: 1, ep: 2 },
      { tp: 2, ep: 2 },
    ],
  ],
] as const) {
  test(`${what} over ranks in turn gives the bits of one rank, on rank 0 the logits, on all the states`, async (t) => {
    const directory = closing(t, await ModelDirectory.open(modelDirectory(t, model)));
    /** By rank, hidden states and logits of all steps. */
    const runOver = ({ tp, ep }: Parallelism) => {
      const setup = { ...SETUP, tp, ep, cacheTokens: 64, blockSize: 16 };
      const states: number[][] = [];
      const logits: unknown[][] = [];
      const runRank = (group: ProcessGroup) => {
        if (group.rank === 0 && group.size > 1) sendSetup(group, setup);
        const received = group.rank === 0 ? setup : receiveSetup(group);
        t.deepEqual(received, setup);
        const rankModel = RankModel.load(group, directory, createScalarKernels(), received);
        states[group.rank] = [];
        logits[group.rank] = [];
        const forward = (plan: StepPlan) => {
          const hidden = rankModel.forward(plan);
          states[group.rank].push(...hidden);
          return hidden;
        };
        if (group.rank > 0) {
          follow(group, { forward, logits: rankModel.logits.bind(rankModel) }, tp);
          return;
        }
        const leader = new Leader(group);
        for (const plan of PLANS) {
          leader.runOnAllRanks(plan, () =>
            rankModel.logits(forward(plan), plan, (row, i) => logits[0].push([i, row.argmax, ...row.logits])),
          );
        }
        void leader.close();
      };
      if (tp * ep === 1) runRank(singleProcessGroup());
      else inTurn(Math.max(tp, ep), runRank);
      return { states, logits: logits[0] };
    };
    const alone = runOver({ tp: 1, ep: 1 });
    t.is(alone.logits.length, 23);
    for (const spread of spreads) {
      const { states, logits } = runOver(spread);
      t.is(states.length, Math.max(spread.tp, spread.ep));
      for (const [rank, values] of states.entries()) {
        const [got, expected] = [values, alone.states[0]].map((each) => Float32Array.from(each));
        t.is(bitDifference(got, expected), undefined, `rank ${rank} of ${JSON.stringify(spread)}`);
      }
      t.deepEqual(logits, alone.logits, JSON.stringify(spread));
    }
  });
}
