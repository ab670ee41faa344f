import fc from 'fast-check';
import { Engine } from '../../../engine/engine.ts';
import { createWasmKernels } from '../../../engine/kernels/wasm.ts';
import type { EngineStats } from '../../../engine/serving/requests.ts';
import { prompt, type TinyModel, tinyModel, writeModelDirectory } from '../properties/arbitraries.ts';
import {
  differenceFrom,
  fingerprintOfPass,
  leakOf,
  type Settings,
  serve,
  serveAlone,
  type TimedRequest,
} from './serving.ts';

/** Requests, and the engine that serves them. */
export interface Workload {
  model: TinyModel;
  settings: Settings;
  requests: TimedRequest[];
}

/** What an engine did for a workload. */
export interface Served extends EngineStats {
  /** The most sequences that ran at once. */
  mostRunning: number;
}

/** Several hundred tokens: many blocks of every size, and many chunks. */
const LONGEST_STEM = 300;
const MAX_TAIL = 30;
const MAX_NEW_TOKENS = 12;

/** Random engines under random load, with a cache slightly larger than the largest request. */
export function workload(): fc.Arbitrary<Workload> {
  return tinyModel({ maxLayers: 2 }).chain((model) =>
    // Several requests begin with a part of this, each of another length.
    fc.oneof({ weight: 4, arbitrary: prompt(model, 60) }, prompt(model, LONGEST_STEM)).chain((stem) =>
      fc
        .record({
          requests: fc.array(timedRequest(model, stem), { minLength: 1, maxLength: 10 }),
          blockSize: fc.constantFrom(1, 2, 3, 16, 64),
          spareBlocks: fc.nat(6),
          maxBatch: fc.integer({ min: 1, max: 8 }),
          maxBatchTokens: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 17, max: 300 })),
          prefillChunk: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 17, max: 300 })),
          prefixCaching: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
          promptLookup: fc.oneof(fc.constant(0), { weight: 2, arbitrary: fc.integer({ min: 1, max: 20 }) }),
        })
        .map(({ requests, spareBlocks, ...settings }) => {
          const largest = Math.max(...requests.map(({ ids, maxNewTokens }) => ids.length + maxNewTokens));
          const numBlocks = Math.ceil(largest / settings.blockSize) + spareBlocks;
          return { model, requests, settings: { ...settings, cacheTokens: numBlocks * settings.blockSize } };
        }),
    ),
  );
}

/** Requests that share a prefix: some first ids of `stem`. */
export function timedRequest(model: TinyModel, stem: readonly number[]): fc.Arbitrary<TimedRequest> {
  const { vocabSize } = model.config;
  const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, arbitrary);
  return fc
    .record({
      shared: fc.nat(stem.length),
      tail: prompt(model, MAX_TAIL),
      maxNewTokens: fc.integer({ min: 0, max: MAX_NEW_TOKENS }),
      delay: fc.nat(8),
      cancelAfter: rarely(fc.nat(20)),
      sampling: fc.option(
        fc.record({
          temperature: fc.constantFrom(0.5, 1, 2),
          topK: fc.constantFrom(0, 3, 8),
          topP: fc.constantFrom(1, 0.9),
          seed: fc.nat(99),
          n: fc.integer({ min: 1, max: 4 }),
        }),
        { nil: {} },
      ),
      penalties: fc.option(
        fc.record({
          repetitionPenalty: fc.constantFrom(1, 1.3),
          presencePenalty: fc.constantFrom(0, 0.7),
          frequencyPenalty: fc.constantFrom(0, 0.4),
        }),
        { nil: {} },
      ),
      // Text of few tokens repeats itself, so that drafts are right.
      favourites: rarely(fc.uniqueArray(fc.nat(vocabSize - 1), { minLength: 1, maxLength: 3 })),
      stopTokenIds: fc.array(fc.nat(vocabSize - 1), { maxLength: 1 }),
      cacheSalt: rarely(fc.constantFrom('a', 'b')),
      logprobs: rarely(fc.nat(3)),
      promptLogprobs: rarely(fc.nat(2)),
    })
    .map(
      ({
        shared,
        tail,
        sampling,
        penalties,
        favourites,
        cancelAfter,
        cacheSalt,
        logprobs,
        promptLogprobs,
        ...request
      }) => ({
        ids: [...stem.slice(0, shared), ...tail],
        ...request,
        ...sampling,
        ...penalties,
        // Options at their defaults are left out of a reproduction.
        ...(favourites === undefined ? {} : { logitBias: biasOf(favourites) }),
        ...(cancelAfter === undefined ? {} : { cancelAfter }),
        ...(cacheSalt === undefined ? {} : { cacheSalt }),
        ...(logprobs === undefined ? {} : { logprobs }),
        ...(promptLogprobs === undefined ? {} : { promptLogprobs }),
      }),
    );
}

/** The first is the likeliest. */
function biasOf(favourites: readonly number[]): Record<number, number> {
  return Object.fromEntries(favourites.map((id, i) => [id, 50 - i]));
}

/**
 * Serves a workload and compares each request with the same request alone, without cache and in one chunk,
 * and that with a pass over the whole sequence.
 *
 * @param dir receives the model.
 * @param load makes the engine that is tested. Default: `Engine.load`.
 * @throws Error that names the first difference, or what is left behind.
 */
export async function holdToAlone(
  dir: string,
  { model, settings, requests }: Workload,
  load: typeof Engine.load = (modelDir, options) => Engine.load(modelDir, options),
): Promise<Served> {
  writeModelDirectory(dir, model);
  const kernels = () => createWasmKernels({ maxBytes: 2 ** 26 });
  const whole = { cacheTokens: 1024, maxBatchTokens: 512, prefillChunk: 512, prefixCaching: false };
  const cold = await Engine.load(dir, { ...whole, kernels: await kernels() });
  const engine = await load(dir, { ...settings, kernels: await kernels() });
  try {
    const alone = await serveAlone(cold, requests);
    for (const [i, results] of alone.entries()) {
      for (const { tokens, fingerprint } of results) {
        if (fingerprint === fingerprintOfPass(cold, requests[i].ids, tokens)) continue;
        throw new Error(`request ${i}: alone, it differs from one pass over its tokens`);
      }
    }
    let mostRunning = 0;
    const served = await serve(engine, requests, () => {
      mostRunning = Math.max(mostRunning, engine.stats().running);
    });
    const stats = engine.stats();
    const failure = differenceFrom(alone, served, requests) ?? leakOf(stats);
    if (failure) throw new Error(failure);
    return { ...stats, mostRunning };
  } finally {
    cold.close();
    engine.close();
  }
}

/** A workload as a test that can be pasted into a spec. */
export function reproduction({ model, settings, requests }: Workload): string {
  const list = requests.map((request) => `      ${literal(request)},`).join('\n');
  return `test('a request has the bits that it has alone', async (t) => {
  await holdToAlone(temporaryFolder(t), {
    model: ${fc.stringify(model)},
    settings: ${literal(settings)},
    requests: [
${list}
    ],
  });
  t.pass();
});`;
}

function literal(value: object): string {
  return JSON.stringify(value)
    .replaceAll(/"(\w+)":/g, ' $1: ')
    .replaceAll('}', ' }');
}

/**
 * Searches for a workload that an engine serves wrongly.
 *
 * @returns what the engines did.
 * @throws Error with the smallest such workload, as a test to be pasted, and what goes wrong with it.
 */
export async function holdWorkloadsToAlone(
  dir: string,
  parameters: fc.Parameters<[Workload]>,
  load?: typeof Engine.load,
): Promise<Served[]> {
  const served: Served[] = [];
  const property = fc.asyncProperty(workload(), async (drawn) => {
    served.push(await holdToAlone(dir, drawn, load));
  });
  const { failed, counterexample, errorInstance } = await fc.check(property, parameters);
  if (!failed) return served;
  if (!counterexample) throw new Error('no workload could be drawn');
  throw new Error(`${errorInstance}\n\n${reproduction(counterexample[0])}`, { cause: errorInstance });
}
