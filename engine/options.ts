import type { ModelConfig } from './config.ts';
import { OptionError } from './errors.ts';

/** What runs the ranks of an engine: processes that the engine starts, or those that mpirun has started. */
export type Backend = 'fork' | 'mpi';
const BACKENDS: readonly unknown[] = ['fork', 'mpi'] satisfies Backend[];

/** Called while weights are read; the last call has `done` equal to `total`. @param done,total bytes. */
export type LoadProgress = (done: number, total: number) => void;

/** Called with what a stage of the forward pass computed: f32 [rows, …], valid only during the call. */
export type Observer = (stage: string, values: Float32Array) => void;

/** How an engine is set up. No option changes a bit of what is computed. */
export interface EngineOptions {
  /** Positions that the key/value cache holds. Default: those of the model, at most 4,096. */
  cacheTokens?: number;
  /** Positions in a block of the cache. Default 16. */
  blockSize?: number;
  /** The most sequences in one step. Default 16. */
  maxBatch?: number;
  /** The most tokens in one step, of all sequences together. Default 256. */
  maxBatchTokens?: number;
  /** The most tokens of one sequence in one step. Default 128, or a whole step that has no other sequence. */
  prefillChunk?: number;
  /** Whether sequences share the blocks of a common prefix. Default true. */
  prefixCaching?: boolean;
  /**
   * The most draft tokens of a step (prompt-lookup decoding, HuggingFace's `prompt_lookup_num_tokens`): what
   * followed the last tokens of a sequence where they stood before is computed in the same step, and kept as
   * far as it is what the request chooses. Steps of more rows than this, plus one, have no drafts. Default
   * 0: none.
   */
  promptLookup?: number;
  /**
   * Ranks of tensor parallelism: processes that share heads, columns and vocabulary; 1, 2, 4 or 8. Default
   * 1. An engine of several ranks must be closed; otherwise they end with this process.
   */
  tp?: number;
  /**
   * Ranks of expert parallelism: processes that share the experts. Beside `tp` above 1: 1, or equal to `tp`.
   * Default 1.
   */
  ep?: number;
  /**
   * What the ranks are: `fork`, processes on this machine that the engine starts; `mpi`, processes that
   * mpirun has started and that all load the engine: rank 0 gets the engine, the others serve it and exit
   * with it. Default: `mpi` if mpirun has started this process and there is more than one rank.
   */
  backend?: Backend;
  /**
   * Milliseconds that a rank may stay silent before it is an error. Default 10,000. A rank that the engine
   * starts, and that is not stopped, has at least 20,000 for its first sign of life: on a busy machine Node
   * takes seconds to start. All of them together have at least 60,000 until they have started.
   */
  groupTimeoutMs?: number;
  /**
   * Threads of each rank that compute, the calling one included; 1 to 256. Default: what the machine runs at
   * once, divided by the number of ranks on it.
   */
  threads?: number;
  /**
   * Lets V8 fuse pairs of vectors into 256 bits: experimental in V8, up to twice as fast, and set for the
   * whole process. The kernels first check that it changes no bit, else they do without. Default true.
   */
  revectorize?: boolean;
  onProgress?: LoadProgress;
}

/** The options of cache and steps, complete. */
export interface ScheduleOptions {
  cacheTokens: number;
  blockSize: number;
  maxBatch: number;
  maxBatchTokens: number;
  prefillChunk: number;
  /** The same for a sequence that is alone: `prefillChunk` if it is given, else `maxBatchTokens`. */
  prefillChunkAlone: number;
  prefixCaching: boolean;
  promptLookup: number;
}

/** The options that every rank needs before it joins the others, complete. */
export interface ParallelOptions {
  readonly tp: number;
  readonly ep: number;
  /** `max(tp, ep)` */
  readonly numRanks: number;
  readonly backend: Backend | undefined;
  readonly groupTimeoutMs: number | undefined;
}

/** Counts and positions are i32 in the kernels and between ranks. */
const MAX_COUNT = 2 ** 31 - 1;
/** The longest delay of Node's timers, in ms: 24.8 days. A longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
/** The most threads of one rank, which the kernels share work among. */
export const MAX_THREADS = 256;

/** @throws OptionError if an option has the wrong type or is out of range. */
export function completeParallelOptions(options: EngineOptions): ParallelOptions {
  checkObject('options', options);
  const { tp = 1, ep = 1, backend, groupTimeoutMs } = options;
  checkCount('tp', tp);
  checkCount('ep', ep);
  if (backend !== undefined && !BACKENDS.includes(backend)) {
    throw new OptionError('backend', backend, '"fork" or "mpi"');
  }
  if (groupTimeoutMs !== undefined) checkTimeLimit('groupTimeoutMs', groupTimeoutMs);
  return { tp, ep, numRanks: Math.max(tp, ep), backend, groupTimeoutMs };
}

/**
 * Completes the options of cache and steps, and checks those that one rank uses alone.
 *
 * @throws OptionError if an option has the wrong type or is out of range.
 */
export function completeEngineOptions(
  options: EngineOptions,
  config: Pick<ModelConfig, 'maxPositionEmbeddings'>,
): Readonly<ScheduleOptions> {
  checkObject('options', options);
  const {
    cacheTokens = Math.min(config.maxPositionEmbeddings, 4096),
    blockSize = 16,
    maxBatch = 16,
    maxBatchTokens = 256,
    prefillChunk = 128,
    prefixCaching = true,
    promptLookup = 0,
    threads = 1,
    revectorize = true,
    onProgress,
  } = options;
  const counts = { cacheTokens, blockSize, maxBatch, maxBatchTokens, prefillChunk };
  for (const [name, value] of Object.entries(counts)) checkCount(name, value);
  checkBoolean('prefixCaching', prefixCaching);
  checkCount('promptLookup', promptLookup, 0);
  checkCount('threads', threads, 1, MAX_THREADS);
  checkBoolean('revectorize', revectorize);
  if (onProgress !== undefined) checkFunction('onProgress', onProgress);
  const prefillChunkAlone = options.prefillChunk ?? maxBatchTokens;
  return Object.freeze({ ...counts, prefillChunkAlone, prefixCaching, promptLookup });
}

/** @throws OptionError unless the value is a whole number from `least` to `most`. */
export function checkCount(option: string, value: unknown, least = 1, most = MAX_COUNT): void {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return;
  throw new OptionError(option, value, `a whole number from ${least} to ${most}`);
}

/** @throws OptionError unless the value is a delay that Node's timers take: whole milliseconds, 1 or more. */
export function checkTimeLimit(option: string, value: unknown): void {
  checkCount(option, value, 1, MAX_TIMER_MS);
}

/** @throws OptionError unless the value is true or false. */
export function checkBoolean(option: string, value: unknown): void {
  if (typeof value !== 'boolean') throw new OptionError(option, value, 'true or false');
}

/** @throws OptionError unless the value is a function. */
export function checkFunction(option: string, value: unknown): void {
  if (typeof value !== 'function') throw new OptionError(option, value, 'a function');
}

/**
 * @param known the names that the value may have.
 * @throws OptionError unless the value is an object, and has no other names: a misspelt one would otherwise
 * be ignored.
 */
export function checkNames(option: string, value: unknown, known: Readonly<Record<string, true>>): void {
  checkObject(option, value);
  const name = Object.keys(value as object).find((each) => !Object.hasOwn(known, each));
  if (name === undefined) return;
  const expected = `only the options ${Object.keys(known).join(', ')}`;
  throw new OptionError(name, (value as Record<string, unknown>)[name], expected);
}

/** @throws OptionError unless the value is an object whose members can be read by name. */
export function checkObject(option: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OptionError(option, value, 'an object');
  }
}
