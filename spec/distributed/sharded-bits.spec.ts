import test from 'ava';
import fc from 'fast-check';
import { Engine } from '../../engine/engine.ts';
import { createWasmKernels } from '../../engine/kernels/wasm.ts';
import { shardedDense, shardedMoe } from '../support/groups/sharded-models.ts';
import { rowDifference, serveRows, serveRowsAlone } from '../support/groups/sharded-rows.ts';
import { PROMPTS, shardedRequests, shardedSettings } from '../support/groups/sharded-workloads.ts';
import { closing, trackResources } from '../support/processes/cleanup.ts';
import type { TinyModel } from '../support/properties/arbitraries.ts';
import { differenceFrom, leakOf } from '../support/serving/serving.ts';
import { forwardDifference } from '../unit/engine/kernels/same-bits.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

const SEED = 20261122;
const MODELS: Record<string, TinyModel> = {
  dense: shardedDense(),
  tied: shardedDense(true),
  moe: shardedMoe(),
};

const cases: [string, { tp?: number; ep?: number }][] = [
  ['dense', { tp: 1 }],
  ['dense', { tp: 2 }],
  ['dense', { tp: 4 }],
  ['dense', { tp: 8 }],
  ['tied', { tp: 2 }],
  ['moe', { tp: 2 }],
  ['moe', { tp: 4 }],
  ['moe', { tp: 8 }],
  ['moe', { ep: 2 }],
  ['moe', { ep: 4 }],
  ['moe', { ep: 8 }],
  ['moe', { tp: 2, ep: 2 }],
  ['moe', { tp: 4, ep: 4 }],
  ['moe', { tp: 8, ep: 8 }],
];

/** Counts of what the workloads must cause. */
const counts = { preemptions: 0, hits: 0, copies: 0, accepted: 0 };

for (const [i, [name, sharding]] of cases.entries()) {
  const [drawn] = fc.sample(shardedSettings, { seed: SEED + i, numRuns: 1 });

  test.serial(
    `${name} over ${JSON.stringify(sharding)} ranks computes the bits of one process for random workloads`,
    async (t) => {
      const dir = modelDirectory(t, MODELS[name]);
      const kernels = await createWasmKernels({ maxBytes: 2 ** 24 });
      const whole = { cacheTokens: 128, prefillChunk: 128, prefixCaching: false };
      const single = closing(t, await Engine.load(dir, { ...whole, kernels }));
      const shardedKernels = await createWasmKernels({ maxBytes: 2 ** 24 });
      const options = { ...drawn, ...sharding, threads: 1, kernels: shardedKernels };
      const engine = closing(t, await Engine.load(dir, options));

      const width = single.config.vocabSize / (sharding.tp ?? 1);
      for (const [prompt, ids] of PROMPTS.entries()) {
        const [got, expected] = [engine, single].map((each) => each.forward(ids, { hidden: true }));
        t.is(
          forwardDifference(single.config, got, expected),
          undefined,
          `prompt ${prompt}; rank r has ${width} columns of the logits, from r · ${width} on`,
        );
      }

      await fc.assert(
        fc.asyncProperty(shardedRequests(MODELS[name]), async (drawnRequests) => {
          const served = await serveRows(engine, drawnRequests);
          const alone = await serveRowsAlone(single, drawnRequests);
          const failure =
            rowDifference(alone, served, sharding.tp ?? 1) ??
            differenceFrom(alone.results, served.results, drawnRequests) ??
            leakOf(engine.stats());
          if (failure) throw new Error(failure);
        }),
        // More ranks than cores are slow.
        { seed: SEED, numRuns: Math.max(sharding.tp ?? 1, sharding.ep ?? 1) > 4 ? 3 : 6 },
      );
      const { preemptions, prefixCache, blocks, promptLookup } = engine.stats();
      counts.preemptions += preemptions;
      counts.hits += prefixCache.hits;
      counts.copies += blocks.copies;
      counts.accepted += promptLookup.accepted;
    },
  );
}

test.serial(
  'the workloads caused preemptions, prefix hits, copies of shared blocks and drafts that are right',
  (t) => {
    for (const [what, count] of Object.entries(counts)) t.true(count > 5, `${what}: ${count}`);
    t.log(JSON.stringify(counts));
  },
);
