import test from 'ava';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { Engine } from '../../engine/engine.ts';
import { createWasmKernels } from '../../engine/kernels/wasm.ts';
import type { EngineStats } from '../../engine/serving/requests.ts';
import { QUICK_FIXTURES } from '../../generator/fixtures/fixture-specs.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { readCase, readFingerprints, readManifest, readTensors } from '../../golden/goldens.ts';
import type { RecordedCase } from '../../golden/schema.ts';
import { engineModel } from '../../verify/adapters/engine.ts';
import { compareCase } from '../../verify/compare/case.ts';
import { generateAll, resultsOf } from '../../verify/generate.ts';
import type { SubjectModel } from '../../verify/subject.ts';
import { closing, trackResources } from '../support/processes/cleanup.ts';
import { leakOf, type Settings, serveAlone, type TimedRequest } from '../support/serving/serving.ts';

trackResources(test);

/** Longer prompts take long and show nothing that shorter ones do not. */
const MAX_PROMPT = 160;
/** The model with the real vocabulary takes the longest: of it, few cases, in few steps. */
const LARGEST = 'dense-bf16';
const MAX_CASES_OF_LARGEST = 4;

/** A way through the engine that must lead to the same bits. */
interface Path {
  name: string;
  /** @param largest tokens of the largest case, prompt and continuation. */
  settings: (largest: number) => Settings;
  /** Serve everything once before. */
  warm?: boolean;
  /** Compare every logit too, as the goldens of one request are. */
  tolerance?: boolean;
  /** What shows that the path was taken. */
  taken: (stats: EngineStats) => boolean;
}

const UNDER_PREEMPTION: Path = {
  name: 'under preemption',
  settings: (largest) => ({ blockSize: 4, cacheTokens: 4 * Math.ceil(largest / 4), prefillChunk: 32 }),
  tolerance: true,
  taken: ({ preemptions }) => preemptions > 0,
};

const PATHS: readonly Path[] = [
  { name: 'all together', settings: () => ({}), taken: ({ steps, tokens }) => tokens > 2 * steps },
  ...[1, 7, 16].map((prefillChunk) => ({
    name: `all together in chunks of ${prefillChunk}`,
    settings: () => ({ prefillChunk, blockSize: 3 }),
    taken: ({ steps }: EngineStats) => steps > 0,
  })),
  {
    name: 'after a warm cache',
    settings: () => ({}),
    warm: true,
    taken: ({ prefixCache }) => prefixCache.hits > 0 && prefixCache.savedTokens >= 16,
  },
  {
    name: 'with drafts',
    settings: () => ({ promptLookup: 12, maxBatch: 4 }),
    taken: ({ promptLookup: { drafted, accepted } }) => accepted > 0 && drafted > accepted,
  },
  UNDER_PREEMPTION,
];

/** The recorded cases that are replayed, by id, and a request for each. */
function casesOf(model: string): { ids: string[]; recorded: RecordedCase[]; requests: TimedRequest[] } {
  const { cases, maxNewTokens } = readManifest(model);
  const all = cases.flatMap((id) => {
    const recorded = readCase(model, id);
    return 'refusal' in recorded || recorded.ids.length > MAX_PROMPT ? [] : [{ id, recorded }];
  });
  const few = model === LARGEST ? spread(all, MAX_CASES_OF_LARGEST) : all;
  return {
    ids: few.map(({ id }) => id),
    recorded: few.map(({ recorded }) => recorded),
    requests: few.map(({ recorded: { ids } }) => ({
      ids,
      maxNewTokens,
      ignoreEos: true,
      returnLogits: true,
    })),
  };
}

/** Some of a list, from its beginning to its end. */
function spread<T>(list: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]);
}

async function load(model: string, settings: Settings): Promise<Engine> {
  const kernels = await createWasmKernels({ maxBytes: 2 ** 28 });
  return Engine.load(await ensureFixture(model), { cacheTokens: 4096, ...settings, kernels });
}

// The sizes of peaked are those of the largest: it would take the same paths, as slowly.
for (const model of QUICK_FIXTURES.filter((name) => name !== 'peaked')) {
  const { ids, recorded, requests } = casesOf(model);
  const committed = readFingerprints(model);
  const largest = Math.max(...requests.map(({ ids, maxNewTokens }) => ids.length + maxNewTokens));

  test.serial(`${model} alone has the committed fingerprints`, async (t) => {
    const engine = closing(t, await load(model, { prefixCaching: false }));
    const results = await serveAlone(engine, requests);
    for (const [i, id] of ids.entries()) t.is(results[i][0].fingerprint, committed[id], id);
  });

  for (const { name, settings, warm, taken, tolerance } of PATHS) {
    const { prefillChunk = Infinity, promptLookup = 0 } = settings(largest);
    // The largest model's text does not repeat itself.
    if (model === LARGEST && (prefillChunk < 16 || promptLookup > 0)) continue;
    test.serial(`${model} ${name} has the committed fingerprints`, async (t) => {
      const engine = closing(t, await load(model, settings(largest)));
      if (warm) await generateAll(engine, requests);
      const events = await generateAll(engine, requests);
      const results = resultsOf(events);
      for (const [i, id] of ids.entries()) t.is(results[i][0].fingerprint, committed[id], id);
      t.true(taken(engine.stats()), `the path was not taken: ${JSON.stringify(engine.stats())}`);
      t.is(leakOf(engine.stats()), undefined);
      if (!tolerance) return;
      const manifest = readManifest(model);
      const config = await readModelConfig(await ensureFixture(model));
      for (const [i, id] of ids.entries()) {
        const logits = events.flatMap((e) => (e.type === 'token' && e.request === i ? [e.logits!] : []));
        // What was computed on this path is compared, not computed again.
        const { tokens } = results[i][0];
        const scores = logits.map((values) => ({ values }));
        const replayed: SubjectModel = { ...engineModel(engine), generate: async () => ({ tokens, scores }) };
        const loaded = { recorded: recorded[i], tensors: readTensors(model, id) };
        const { differences } = await compareCase(loaded, manifest, config, replayed);
        t.deepEqual(differences, [], id);
      }
    });
  }
}
