import { ModelDirectory } from '../checkpoint/model-directory.ts';
import type { ModelConfig } from '../config.ts';
import { OptionError } from '../errors.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { createWasmKernels } from '../kernels/wasm.ts';
import { checkLoadable } from '../model/preflight.ts';
import { checkShardable } from '../model/shardable.ts';
import {
  checkFunction,
  checkObject,
  completeEngineOptions,
  completeParallelOptions,
  type EngineOptions,
  type ScheduleOptions,
} from '../options.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import { runFollower } from './follower.ts';
import { Leader } from './leader.ts';
import { openGroup, shareOfThreads } from './open-group.ts';
import { RankModel } from './rank-model.ts';
import { type RankSetup, sendSetup } from './rank-setup.ts';

/**
 * What `Engine.load` takes beside the model: how the engine is set up, and parts that the caller has
 * made.
 */
export interface LoadOptions extends EngineOptions {
  /** Turns tokens into text; needed for stop strings, and for the text of results. Default none. */
  tokenizer?: Pick<Tokenizer, 'createStream'>;
  /**
   * The engine owns the kernels from the call on, and releases them. Default: new SIMD kernels with
   * `threads` threads.
   */
  kernels?: Kernels;
}

/** The names of the options. */
export const LOAD_OPTIONS: Readonly<Record<keyof LoadOptions, true>> = Object.freeze({
  cacheTokens: true,
  blockSize: true,
  maxBatch: true,
  maxBatchTokens: true,
  prefillChunk: true,
  prefixCaching: true,
  promptLookup: true,
  tp: true,
  ep: true,
  backend: true,
  groupTimeoutMs: true,
  threads: true,
  revectorize: true,
  onProgress: true,
  tokenizer: true,
  kernels: true,
});

/** A model, loaded on all ranks, as rank 0 uses it. */
export interface LoadedModel {
  readonly config: ModelConfig;
  readonly options: Readonly<ScheduleOptions>;
  readonly kernels: Kernels;
  readonly leader: Leader;
  readonly rankModel: RankModel;
}

/**
 * Opens a model directory, checks it and the options, starts or joins the other ranks, and loads every
 * rank's part. On another rank that mpirun has started, this serves rank 0 and ends the process.
 *
 * @param given kernels to use; the caller releases them if loading fails. Default: new SIMD kernels.
 * @throws as `Engine.load` does; then no file, thread or rank is left.
 */
export async function loadModel(
  modelDir: string,
  options: EngineOptions,
  given?: Kernels,
): Promise<LoadedModel> {
  const parallel = completeParallelOptions(options);
  const { tp, ep, numRanks } = parallel;
  let directory: ModelDirectory | undefined;
  let created: Kernels | undefined;
  let leader: Leader | undefined;
  try {
    const check = async () => {
      directory = await ModelDirectory.open(modelDir);
      const complete = completeEngineOptions(options, directory.config);
      checkShardable(directory.config, { tp, ep });
      checkLoadable(directory, complete, numRanks);
      return { directory, complete };
    };
    const { group, checked } = await openGroup(modelDir, parallel, check);
    const { threads = shareOfThreads(parallel), revectorize = true, onProgress } = options;
    if (group.rank > 0) {
      given?.dispose();
      return await followAndExit(group, checked.directory, threads);
    }
    leader = new Leader(group);
    if (!given) created = await createWasmKernels({ threads, revectorize });
    const kernels = given ?? created!;
    const setup: RankSetup = { ...checked.complete, tp, ep, threads, revectorize };
    if (numRanks > 1) sendSetup(group, setup);
    const rankModel = RankModel.load(group, checked.directory, kernels, { ...setup, onProgress });
    return { config: checked.directory.config, options: checked.complete, kernels, leader, rankModel };
  } catch (error) {
    created?.dispose();
    leader?.fail(error);
    // The error above is the cause; the other ranks can only add that they were ended.
    await leader?.close().catch(() => {});
    throw error;
  } finally {
    directory?.close();
  }
}

/** The rest of a process that mpirun has started as another rank: it serves rank 0, and exits with it. */
async function followAndExit(
  group: ProcessGroup,
  directory: ModelDirectory,
  threads: number,
): Promise<never> {
  await runFollower(group, directory, threads);
  await group.close();
  process.exit(0);
}

/** @throws OptionError unless they are undefined, or kernels. */
export function checkKernels(kernels: unknown): void {
  if (kernels === undefined || (kernels instanceof Object && 'dispose' in kernels)) return;
  throw new OptionError('kernels', kernels, 'kernels, as createWasmKernels() returns them');
}

/** @throws OptionError unless it is undefined, or can make streams of text. */
export function checkTokenizer(tokenizer: LoadOptions['tokenizer']): void {
  if (tokenizer === undefined) return;
  checkObject('tokenizer', tokenizer);
  checkFunction('tokenizer.createStream', tokenizer.createStream);
}
