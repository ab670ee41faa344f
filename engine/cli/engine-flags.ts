import type { Command } from 'commander';
import type { ModelConfig } from '../config.ts';
import { completeEngineOptions, type ScheduleOptions } from '../options.ts';
import { positiveWholeNumber } from './arguments.ts';

/** How the engine is set up, as the command line calls it. */
export interface EngineFlags {
  maxBatch?: number;
  maxBatchTokens?: number;
  prefillChunk?: number;
  blockSize?: number;
  cacheBlocks?: number;
  prefixCache?: boolean;
}

/** Positions that a cache gets for several requests at once, unless one of them takes more or the user says. */
const DEFAULT_CACHE_TOKENS = 4096;

export function addEngineFlags(command: Command): Command {
  return command
    .option('--max-batch <n>', 'compute at most n sequences together (default: 16)', positiveWholeNumber)
    .option('--max-batch-tokens <n>', 'at most n tokens in one step (default: 256)', positiveWholeNumber)
    .option('--prefill-chunk <n>', 'at most n of one prompt in a step (default: 128)', positiveWholeNumber)
    .option('--block-size <n>', 'positions in a block of the cache (default: 16)', positiveWholeNumber)
    .option(
      '--cache-blocks <n>',
      `blocks of the cache (default: what a batch takes, at most ${DEFAULT_CACHE_TOKENS} positions or one request)`,
      positiveWholeNumber,
    )
    .option('--no-prefix-cache', 'compute beginnings that prompts have in common for each of them');
}

/** What the cache has to hold of a request. */
export interface Demand {
  /** Of the prompt and its continuation. */
  numTokens: number;
  numSamples: number;
}

/**
 * The engine's options, complete, with a cache in which a batch of the largest requests has room at once if that is
 * not too much, and each of them has room by itself in any case.
 */
export function engineOptions(
  flags: EngineFlags,
  demands: readonly Demand[],
  config: ModelConfig,
): Readonly<ScheduleOptions> {
  const { maxBatch, maxBatchTokens, prefillChunk, blockSize, cacheBlocks, prefixCache } = flags;
  const given = { maxBatch, maxBatchTokens, prefillChunk, blockSize, prefixCaching: prefixCache };
  const complete = completeEngineOptions(given, config);
  const blocks = cacheBlocks ?? blocksFor(demands, complete);
  return { ...complete, cacheTokens: blocks * complete.blockSize };
}

/** Blocks that a number of tokens takes. */
export function numBlocksOf(numTokens: number, blockSize: number): number {
  return Math.ceil(numTokens / blockSize);
}

function blocksFor(demands: readonly Demand[], { maxBatch, blockSize }: ScheduleOptions): number {
  const perSequence = demands
    // No more of them than a batch has can be computed at once.
    .flatMap(({ numTokens, numSamples }) =>
      new Array<number>(Math.min(numSamples, maxBatch)).fill(numBlocksOf(numTokens, blockSize)),
    )
    .sort((a, b) => b - a);
  const together = perSequence.slice(0, maxBatch).reduce((sum, blocks) => sum + blocks, 0);
  return Math.max(1, perSequence[0], Math.min(together, numBlocksOf(DEFAULT_CACHE_TOKENS, blockSize)));
}
