import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Engine } from '../../../engine/engine.ts';
import type { EngineOptions } from '../../../engine/options.ts';
import type { EngineStats } from '../../../engine/serving/requests.ts';
import type { TinyModel } from '../properties/arbitraries.ts';
import { differenceFrom, leakOf, type Settings, type TimedRequest } from '../serving/serving.ts';
import { timedRequest } from '../serving/serving-workloads.ts';
import { rowDifference, type ServedRows, serveRowsAlone } from './sharded-rows.ts';

/** Requests share prefixes of this. */
const STEM = Array.from({ length: 30 }, (_, i) => (i * i) % 24);

/** Prompts whose logits and hidden states are compared. */
export const PROMPTS = [STEM, [23, 0, 11, 12], [5]];

/** Caches so small that concurrent requests of at most 72 tokens preempt each other. */
export const shardedSettings: fc.Arbitrary<Settings> = fc
  .record({
    blockSize: fc.constantFrom(1, 4, 16),
    spareBlocks: fc.nat(4),
    maxBatch: fc.integer({ min: 3, max: 8 }),
    maxBatchTokens: fc.integer({ min: 5, max: 60 }),
    prefillChunk: fc.integer({ min: 1, max: 40 }),
    prefixCaching: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
    promptLookup: fc.constantFrom(0, 7),
  })
  .map(({ spareBlocks, ...rest }) => ({
    ...rest,
    cacheTokens: rest.blockSize * (Math.ceil(72 / rest.blockSize) + spareBlocks),
  }));

/** Requests that are served concurrently. */
export function shardedRequests(model: TinyModel): fc.Arbitrary<TimedRequest[]> {
  return fc.array(timedRequest(model, STEM), { minLength: 4, maxLength: 8 });
}

/** The input of sharded-main.ts; JSON. */
export interface ShardedTask {
  readonly dir: string;
  readonly options: EngineOptions;
  readonly workloads: readonly (readonly TimedRequest[])[];
}

/** The output of sharded-main.ts; JSON. */
export interface ShardedOutcome {
  /** As {@link hashesOf} computes them. */
  readonly hashes: readonly string[];
  /** By workload. */
  readonly served: readonly ServedRows[];
  readonly stats: EngineStats;
}

/** By prompt of {@link PROMPTS}: SHA-256 over its logits and hidden states. */
export function hashesOf(engine: Engine): string[] {
  return PROMPTS.map((ids) => {
    const { logits, hidden } = engine.forward(ids, { hidden: true });
    return createHash('sha256').update(logits).update(hidden!).digest('hex');
  });
}

/**
 * Compares an outcome with a single process that serves one request at a time.
 *
 * @returns the first difference, in words.
 */
export async function differenceFromSingle(
  single: Engine,
  { workloads, options }: ShardedTask,
  { hashes, served, stats }: ShardedOutcome,
): Promise<string | undefined> {
  const expected = hashesOf(single);
  if (hashes.join() !== expected.join()) return `logits or hidden states ${hashes}; one process ${expected}`;
  for (const [i, requests] of workloads.entries()) {
    const alone = await serveRowsAlone(single, requests);
    const difference =
      rowDifference(alone, served[i], options.tp ?? 1) ??
      differenceFrom(alone.results, served[i].results, requests);
    if (difference) return `workload ${i}, ${difference}`;
  }
  return leakOf(stats);
}
