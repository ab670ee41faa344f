import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Engine } from '../../../engine/engine.ts';
import type { EngineOptions } from '../../../engine/options.ts';
import type { EngineStats } from '../../../engine/serving/requests.ts';
import type { TinyModel } from '../properties/arbitraries.ts';
import {
  differenceFrom,
  leakOf,
  type Results,
  type Settings,
  serveAlone,
  type TimedRequest,
} from '../serving/serving.ts';
import { timedRequest } from '../serving/serving-workloads.ts';

/** Beginnings that requests have in common, up to some point. */
const STEM = Array.from({ length: 30 }, (_, i) => (i * i) % 24);

/** What every engine computes whole. */
export const PROMPTS = [STEM, [23, 0, 11, 12], [5]];

/** Caches in which requests of at most 72 tokens, several at once, make room for each other. */
export const spreadSettings: fc.Arbitrary<Settings> = fc
  .record({
    blockSize: fc.constantFrom(1, 4, 16),
    spareBlocks: fc.nat(4),
    maxBatch: fc.integer({ min: 3, max: 8 }),
    maxBatchTokens: fc.integer({ min: 5, max: 60 }),
    prefillChunk: fc.integer({ min: 1, max: 40 }),
    prefixCaching: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
  })
  .map(({ spareBlocks, ...rest }) => ({
    ...rest,
    cacheTokens: rest.blockSize * (Math.ceil(72 / rest.blockSize) + spareBlocks),
  }));

/** Requests that are served together. */
export function spreadRequests(model: TinyModel): fc.Arbitrary<TimedRequest[]> {
  return fc.array(timedRequest(model, STEM), { minLength: 4, maxLength: 8 });
}

/** What a program of many ranks is to do; see spread-main.ts. JSON. */
export interface SpreadTask {
  readonly dir: string;
  readonly options: EngineOptions;
  readonly workloads: readonly (readonly TimedRequest[])[];
}

/** What it has done. JSON. */
export interface SpreadOutcome {
  /** Of the logits and the hidden states of {@link PROMPTS}. */
  readonly hashes: readonly string[];
  /** By workload. */
  readonly served: readonly Results[];
  readonly stats: EngineStats;
}

/** SHA-256 over the logits and hidden states of {@link PROMPTS}, of each. */
export function hashesOf(engine: Engine): string[] {
  return PROMPTS.map((ids) => {
    const { logits, hidden } = engine.forward(ids, { hidden: true });
    return createHash('sha256').update(logits).update(hidden!).digest('hex');
  });
}

/** @returns where an outcome is not that of an engine that serves each request alone, in words. */
export async function differenceFromAlone(
  alone: Engine,
  { workloads }: SpreadTask,
  { hashes, served, stats }: SpreadOutcome,
): Promise<string | undefined> {
  const expected = hashesOf(alone);
  if (hashes.join() !== expected.join()) return `logits or hidden states ${hashes}; alone ${expected}`;
  for (const [i, requests] of workloads.entries()) {
    const difference = differenceFrom(await serveAlone(alone, requests), served[i], requests);
    if (difference) return `workload ${i}, ${difference}`;
  }
  return leakOf(stats);
}
