import { type Command, Option } from 'commander';
import type { ModelConfig } from '../config.ts';
import { completeEngineOptions, type EngineOptions, type ScheduleOptions } from '../options.ts';
import { positiveWholeNumber, wholeNumber } from './arguments.ts';

/** The schedule of a command's requests; the engine completes what is not given. */
export type GivenSchedule = Readonly<EngineOptions & Pick<ScheduleOptions, 'cacheTokens' | 'blockSize'>>;

/** What computes, as the command line names it. */
export type ParallelFlags = Pick<EngineOptions, 'threads' | 'revectorize' | 'tp' | 'ep' | 'backend'>;

/** Batch and cache, as the command line names them. */
export interface ScheduleFlags {
  maxBatch?: number;
  maxBatchTokens?: number;
  prefillChunk?: number;
  blockSize?: number;
  cacheBlocks?: number;
  prefixCache?: boolean;
  promptLookup?: number;
}

/** Positions that the cache has for several requests at once, unless one request or the user needs more. */
const DEFAULT_CACHE_TOKENS = 4096;

export function addParallelFlags(command: Command): Command {
  return command
    .option(
      '--threads <n>',
      "compute with n threads in each rank (default: the machine's, divided among the ranks)",
      positiveWholeNumber,
    )
    .option(
      '--tp <n>',
      'divide heads, columns and vocabulary among n processes (default: 1)',
      positiveWholeNumber,
    )
    .option(
      '--ep <n>',
      'divide the experts among n processes; with --tp, the same number (default: 1)',
      positiveWholeNumber,
    )
    .addOption(
      new Option(
        '--backend <name>',
        'start the processes here (fork) or take those of mpirun (mpi) (default: mpi under mpirun, else fork)',
      ).choices(['fork', 'mpi']),
    )
    .option('--no-revectorize', "do without V8's experimental 256-bit vectors (same bits, slower)");
}

/** The engine's options of {@link ParallelFlags}, without other flags of the command. */
export function parallelOptions({ threads, revectorize, tp, ep, backend }: ParallelFlags): ParallelFlags {
  return { threads, revectorize, tp, ep, backend };
}

export function addScheduleFlags(command: Command): Command {
  return command
    .option('--max-batch <n>', 'compute at most n sequences in a step (default: 16)', positiveWholeNumber)
    .option(
      '--max-batch-tokens <n>',
      'compute at most n tokens in a step (default: 256)',
      positiveWholeNumber,
    )
    .option(
      '--prefill-chunk <n>',
      'compute at most n tokens of one prompt in a step (default: 128, or a whole step for a prompt alone)',
      positiveWholeNumber,
    )
    .option('--block-size <n>', 'put n positions in a block of the cache (default: 16)', positiveWholeNumber)
    .option(
      '--cache-blocks <n>',
      `give the cache n blocks (default: enough for a batch, at most ${DEFAULT_CACHE_TOKENS} positions or one request)`,
      positiveWholeNumber,
    )
    .option('--no-prefix-cache', 'compute the common prefix of prompts for each of them')
    .option(
      '--prompt-lookup <n>',
      'draft up to n tokens of text that repeats itself: same tokens, sooner (default: 0)',
      wholeNumber,
    );
}

/** What the cache has to hold of a request. */
export interface Demand {
  /** Tokens of the prompt and its continuation. */
  numTokens: number;
  numSamples: number;
}

/**
 * The options of cache and steps: those that are given, and a cache for a batch of the largest requests,
 * limited to {@link DEFAULT_CACHE_TOKENS}, and at least large enough for each request alone. The engine
 * completes the others, since the default of one may depend on whether another is given.
 *
 * @throws OptionError if an option is out of its range.
 */
export function scheduleOptions(
  flags: ScheduleFlags,
  demands: readonly Demand[],
  config: ModelConfig,
): GivenSchedule {
  const { maxBatch, maxBatchTokens, prefillChunk, blockSize, cacheBlocks, promptLookup } = flags;
  const { prefixCache: prefixCaching } = flags;
  const given = { maxBatch, maxBatchTokens, prefillChunk, blockSize, prefixCaching, promptLookup };
  const complete = completeEngineOptions(given, config);
  const blocks = cacheBlocks ?? blocksFor(demands, complete);
  const { blockSize: size } = complete;
  return { ...given, blockSize: size, cacheTokens: blocks * size };
}

/** Blocks of the cache that a sequence of `numTokens` takes. */
export function numBlocksOf(numTokens: number, blockSize: number): number {
  return Math.ceil(numTokens / blockSize);
}

function blocksFor(demands: readonly Demand[], { maxBatch, blockSize }: ScheduleOptions): number {
  if (demands.length === 0) return numBlocksOf(DEFAULT_CACHE_TOKENS, blockSize);
  const perSequence = demands
    // A step computes at most maxBatch samples of a request.
    .flatMap(({ numTokens, numSamples }) =>
      new Array<number>(Math.min(numSamples, maxBatch)).fill(numBlocksOf(numTokens, blockSize)),
    )
    .sort((a, b) => b - a);
  const batch = perSequence.slice(0, maxBatch).reduce((sum, blocks) => sum + blocks, 0);
  return Math.max(1, perSequence[0], Math.min(batch, numBlocksOf(DEFAULT_CACHE_TOKENS, blockSize)));
}
