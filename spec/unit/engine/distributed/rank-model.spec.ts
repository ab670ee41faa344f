import test, { type ExecutionContext } from 'ava';
import { ModelDirectory } from '../../../../engine/checkpoint/model-directory.ts';
import { RankModel } from '../../../../engine/distributed/rank-model.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { HEAD_ROWS } from '../../../../engine/model/qwen3.ts';
import { singleProcessGroup } from '../../../../engine/parallel/single-process-group.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import { bitDifference } from '../kernels/same-bits.ts';
import { denseModel, modelDirectory } from '../tiny-models.ts';

trackResources(test);

// Parts of several ranks are tested by spec/distributed/, over processes.

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
