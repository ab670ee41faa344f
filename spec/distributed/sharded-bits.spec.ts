import test from 'ava';
import fc from 'fast-check';
import { Engine } from '../../engine/engine.ts';
import { createWasmKernels } from '../../engine/kernels/wasm.ts';
import { spreadDense, spreadMoe } from '../support/groups/sharded-models.ts';
import { PROMPTS, spreadRequests, spreadSettings } from '../support/groups/sharded-workloads.ts';
import { closing, trackResources } from '../support/processes/cleanup.ts';
import type { TinyModel } from '../support/properties/arbitraries.ts';
import { differenceFrom, leakOf, serve, serveAlone } from '../support/serving/serving.ts';
import { bitDifference } from '../unit/engine/kernels/same-bits.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

const SEED = 20261122;
const MODELS: Record<string, TinyModel> = { dense: spreadDense(), tied: spreadDense(true), moe: spreadMoe() };

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

/** What shows that the ranks were put through all that an engine does. */
const taken = { preemptions: 0, hits: 0, copies: 0 };

for (const [i, [name, spread]] of cases.entries()) {
  const [drawn] = fc.sample(spreadSettings, { seed: SEED + i, numRuns: 1 });

  test.serial(
    `${name} over ${JSON.stringify(spread)} ranks has the bits of one process, whatever is served`,
    async (t) => {
      const dir = modelDirectory(t, MODELS[name]);
      const kernels = await createWasmKernels({ maxBytes: 2 ** 24 });
      const whole = { cacheTokens: 128, prefillChunk: 128, prefixCaching: false };
      const alone = closing(t, await Engine.load(dir, { ...whole, kernels }));
      const spreadKernels = await createWasmKernels({ maxBytes: 2 ** 24 });
      const options = { ...drawn, ...spread, threads: 1, kernels: spreadKernels };
      const engine = closing(t, await Engine.load(dir, options));

      for (const ids of PROMPTS) {
        const [got, expected] = [engine, alone].map((each) => each.forward(ids, { hidden: true }));
        t.is(bitDifference(got.logits, expected.logits), undefined, 'logits');
        t.is(bitDifference(got.hidden!, expected.hidden!), undefined, 'hidden states');
      }

      await fc.assert(
        fc.asyncProperty(spreadRequests(MODELS[name]), async (drawnRequests) => {
          const served = await serve(engine, drawnRequests);
          const expected = await serveAlone(alone, drawnRequests);
          const failure = differenceFrom(expected, served, drawnRequests) ?? leakOf(engine.stats());
          if (failure) throw new Error(failure);
        }),
        // More ranks than cores are slow.
        { seed: SEED, numRuns: Math.max(spread.tp ?? 1, spread.ep ?? 1) > 4 ? 3 : 6 },
      );
      const { preemptions, prefixCache, blocks } = engine.stats();
      taken.preemptions += preemptions;
      taken.hits += prefixCache.hits;
      taken.copies += blocks.copies;
    },
  );
}

test.serial('requests were preempted, found prefixes, and shared blocks until they parted', (t) => {
  for (const [what, count] of Object.entries(taken)) t.true(count > 5, `${what}: ${count}`);
  t.log(JSON.stringify(taken));
});
