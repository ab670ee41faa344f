import { Checkpoint } from '../checkpoint/checkpoint.ts';
import { type ModelConfig, readModelConfig } from '../config.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { createWasmKernels } from '../kernels/wasm.ts';
import { KvCache } from '../model/kv-cache.ts';
import type { LoadProgress } from '../model/loader.ts';
import { Qwen3 } from '../model/qwen3.ts';
import { type Parallelism, Shard } from '../model/shard.ts';
import type { ScheduleOptions } from '../options.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import { readPackageJson } from '../terminal/package-json.ts';
import { follow, PATIENT, tellFailure } from './leader.ts';

/** Of each weight, from its middle. */
const SAMPLE_BYTES = 256;

/** What rank 0 tells the others before they load. */
export interface RankSetup
  extends Parallelism,
    Pick<ScheduleOptions, 'cacheTokens' | 'blockSize' | 'maxBatchTokens'> {
  readonly threads: number;
  readonly revectorize: boolean;
}

/** A rank's part of a model and of its cache. */
export interface RankModel {
  readonly model: Qwen3;
  readonly cache: KvCache;
}

/**
 * Loads a rank's part of a model, once it is sure that all ranks have the same one; returns when all have loaded.
 *
 * @throws GroupError if the ranks have different models or programs, or another one cannot load its part.
 * @throws CheckpointError, KernelError as their readers do.
 */
export function loadRankModel(
  group: ProcessGroup,
  modelDir: string,
  config: ModelConfig,
  kernels: Kernels,
  setup: RankSetup & { onProgress?: LoadProgress },
): RankModel {
  const { cacheTokens, blockSize, maxBatchTokens, onProgress } = setup;
  if (group.size > 1) agreeOnModel(group, modelDir, config);
  const shard = new Shard(group, setup, config.moe?.numExperts);
  const numBlocks = Math.ceil(cacheTokens / blockSize);
  const cache = new KvCache(kernels, shard.widths(config), { blockSize, numBlocks });
  const model = Qwen3.load(modelDir, config, kernels, cache, { maxRows: maxBatchTokens, shard, onProgress });
  // Disks differ; a rank that dies while it reads is found out all the same.
  group.barrier(PATIENT);
  return { model, cache };
}

function agreeOnModel(group: ProcessGroup, modelDir: string, config: ModelConfig): void {
  // Rank 0 comes last where it fetches the model, the others where they make their kernels.
  group.agree('version', readPackageJson().version, PATIENT);
  group.agree('config', JSON.stringify(config));
  const checkpoint = Checkpoint.open(modelDir);
  try {
    group.agree('weights', describe(checkpoint));
  } finally {
    checkpoint.close();
  }
}

/**
 * Names, types, shapes and places of all weights, and a few values of each, which tell models of one shape from each
 * other. A damaged file is none of this: reading all of it would cost each rank what it saves by reading its part.
 */
function describe(checkpoint: Checkpoint): string {
  return JSON.stringify(
    [...checkpoint.tensors].map(([name, { file, info }]) => {
      const sample = new Uint8Array(Math.min(SAMPLE_BYTES, info.end - info.begin));
      file.readInto(name, Math.floor((info.end - info.begin - sample.length) / 2), sample);
      return [name, info, Buffer.from(sample).toString('hex')];
    }),
  );
}

/** Tells the others how they are to load. */
export function tellSetup(group: ProcessGroup, setup: RankSetup): void {
  const bytes = new Uint8Array(Buffer.from(JSON.stringify(setup)));
  group.broadcast(Int32Array.of(bytes.length), 0);
  group.broadcast(bytes, 0);
}

function hearSetup(group: ProcessGroup): RankSetup {
  const length = new Int32Array(1);
  group.broadcast(length, 0, PATIENT);
  const bytes = new Uint8Array(length[0]);
  group.broadcast(bytes, 0);
  return JSON.parse(Buffer.from(bytes).toString());
}

/**
 * The whole life of a rank but 0: loads its part, computes as it is told, and returns when rank 0 closes.
 *
 * @param threads where this rank's machine is not rank 0's, whose number they are by default.
 */
export async function serveRank(group: ProcessGroup, modelDir: string, threads?: number): Promise<void> {
  try {
    await serve(group, modelDir, threads);
  } catch (error) {
    tellFailure(group, error);
    throw error;
  }
}

async function serve(group: ProcessGroup, modelDir: string, threads?: number): Promise<void> {
  const setup = hearSetup(group);
  const { revectorize, tp } = setup;
  const kernels = await createWasmKernels({ threads: threads ?? setup.threads, revectorize });
  try {
    const config = await readModelConfig(modelDir);
    const { model, cache } = loadRankModel(group, modelDir, config, kernels, setup);
    follow(group, model, cache, tp);
  } finally {
    kernels.dispose();
  }
}
