import test, { type ExecutionContext } from 'ava';
import type { Engine } from '../../engine/engine.ts';
import { importMutant } from '../support/mutants/mutate.ts';
import { SERVING_MUTANTS, type ServingMutant } from '../support/mutants/serving-mutants.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { holdToAlone, type Workload } from '../support/serving/serving-workloads.ts';
import { denseModel } from '../unit/engine/tiny-models.ts';

trackResources(test);

// Blocks of three tokens.
const [A, B, C, D] = [
  [3, 0, 18],
  [7, 7, 11],
  [1, 16, 4],
  [9, 2, 13],
];
const sampled = { temperature: 1, seed: 5 };
const penalised = { repetitionPenalty: 1.5, presencePenalty: 0.5, frequencyPenalty: 0.5 };

/** Small, but with everything in it that a bug in serving could get wrong. */
const WORKLOAD: Workload = {
  model: denseModel(),
  settings: {
    blockSize: 3,
    cacheTokens: 15 * 3,
    maxBatch: 5,
    maxBatchTokens: 12,
    prefillChunk: 5,
    promptLookup: 8,
  },
  requests: [
    { ids: [...A, ...B, ...C, 5], maxNewTokens: 14 },
    // All of it, to the last token, has been computed before.
    { ids: [...A, ...B, ...C], maxNewTokens: 9, delay: 5 },
    // Samples that part at once, with a block that all of them have begun.
    { ids: [...A, ...B, 17], maxNewTokens: 10, ...sampled, ...penalised, temperature: 3, n: 3 },
    // The same blocks elsewhere, and after others.
    { ids: [...B, ...C, 6], maxNewTokens: 9, delay: 6 },
    { ids: [...D, ...B, ...C, 6], maxNewTokens: 9 },
    // The same but for the last token of a block.
    { ids: [...A, 7, 7, 12, ...C, 5], maxNewTokens: 9, logprobs: 2 },
    { ids: [...D, ...A, ...B, 1], maxNewTokens: 12, cancelAfter: 9 },
    { ids: [...C, ...D, ...A, 14], maxNewTokens: 12, ...penalised, promptLogprobs: 2 },
    { ids: [10], maxNewTokens: 14, ...sampled, ...penalised, n: 2 },
    { ids: [...A, ...B, 17, 8, 2], maxNewTokens: 8, ...sampled, seed: 6 },
  ],
};

/**
 * What the bookkeeping and the kernels refuse to do. Any other error would be a crash, which proves nothing.
 */
const REFUSALS = ['RangeError', 'KernelError'];

/** @returns what gave an engine away, or undefined if it passed as right. */
async function caughtBy(t: ExecutionContext, mutant: ServingMutant): Promise<string | undefined> {
  const load: typeof Engine.load = await importMutant(mutant, temporaryFolder(t));
  try {
    await holdToAlone(temporaryFolder(t), WORKLOAD, load);
    return undefined;
  } catch (error) {
    const { name, message } = error as Error;
    if (name !== 'Error' && !REFUSALS.includes(name)) throw error;
    return `${name}: ${message}`;
  }
}

for (const mutant of SERVING_MUTANTS) {
  test.serial(`requests served together are not what they are alone where ${mutant.name}`, async (t) => {
    const what = await caughtBy(t, mutant);
    t.truthy(what, 'a broken engine passed');
    t.log(what?.slice(0, 100));
  });
}

for (const kernels of ['model/kv-cache.ts', 'kernels/scalar.ts']) {
  test(`requests served together are what they are alone in a copy of the engine with a comment in ${kernels}`, async (t) => {
    const [find] = { 'model/kv-cache.ts': ['/** Copies'], 'kernels/scalar.ts': ['const f = Math'] }[kernels]!;
    const edits = [{ file: kernels, find, replace: `/* as it was */ ${find}` }];
    t.is(await caughtBy(t, { name: 'nothing is wrong', edits }), undefined);
  });
}

test('the workload preempts, evicts, copies and finds cached blocks', async (t) => {
  const { preemptions, prefixCache, blocks, mostRunning } = await holdToAlone(temporaryFolder(t), WORKLOAD);
  t.true(
    preemptions > 0 && prefixCache.hits > 0 && blocks.evictions > 0,
    JSON.stringify({ preemptions, prefixCache, blocks }),
  );
  t.true(blocks.copies > 0 && mostRunning > 2);
});
