import type { ModelDirectory } from '../checkpoint/model-directory.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { KvCache } from '../model/kv-cache.ts';
import { HEAD_ROWS, Qwen3 } from '../model/qwen3.ts';
import { Shard } from '../model/shard.ts';
import type { LoadProgress, Observer } from '../options.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import { agreeOnModel } from './model-agreement.ts';
import type { RankSetup } from './rank-setup.ts';
import { NO_TIMEOUT, type StepPlan } from './step-plan.ts';

/** The logits of one row. */
export interface RowLogits {
  /** f32 [vocabSize], valid only during the call that gets it. */
  readonly logits: Float32Array;
  /** The token with the largest logit, of equal ones the lowest id; −1 if a logit is NaN or infinite. */
  readonly argmax: number;
}

/** This rank's part of a model and of its key/value cache. */
export class RankModel {
  readonly model: Qwen3;
  readonly cache: KvCache;

  constructor(model: Qwen3, cache: KvCache) {
    this.model = model;
    this.cache = cache;
  }

  /**
   * Loads this rank's part after all ranks have agreed that they have the same model; returns when all have
   * loaded.
   *
   * @param directory stays open; nothing is read from it later.
   * @throws GroupError if the ranks have different models or versions, or another rank cannot load its part.
   * @throws CheckpointError, KernelError as their readers do.
   */
  static load(
    group: ProcessGroup,
    directory: ModelDirectory,
    kernels: Kernels,
    setup: RankSetup & { onProgress?: LoadProgress },
  ): RankModel {
    const { config } = directory;
    const { cacheTokens, blockSize, maxBatchTokens, onProgress } = setup;
    if (group.size > 1) agreeOnModel(group, directory);
    const shard = new Shard(group, setup, config.moe?.numExperts);
    const numBlocks = Math.ceil(cacheTokens / blockSize);
    const cache = new KvCache(kernels, shard.widths(config), { blockSize, numBlocks });
    const model = Qwen3.load(directory, kernels, cache, { maxRows: maxBatchTokens, shard, onProgress });
    // Disks differ in speed; a rank that dies while it reads ends the wait all the same.
    group.barrier(NO_TIMEOUT);
    return new RankModel(model, cache);
  }

  /**
   * Copies the plan's blocks, then computes its spans.
   *
   * @returns the hidden states after the final norm, f32 [rows, hiddenSize], valid until the next step.
   */
  forward({ copies, spans }: StepPlan, observe?: Observer): Float32Array {
    for (const { from, to } of copies) this.cache.copyBlock(from, to);
    return this.model.forward(spans, observe);
  }

  /**
   * Computes the logits of the plan's rows, a few at a time. With tensor parallelism every rank calls this.
   *
   * @param hidden as {@link forward} returned them.
   * @param onLogits called on rank 0 for each row, with its index in `plan.logitsRows`.
   */
  logits(
    hidden: Float32Array,
    { logitsRows }: StepPlan,
    onLogits: (row: RowLogits, index: number) => void = () => {},
  ): void {
    const { vocabSize } = this.model.config;
    for (let begin = 0; begin < logitsRows.length; begin += HEAD_ROWS) {
      const rows = logitsRows.slice(begin, begin + HEAD_ROWS);
      const { values, argmax } = this.model.logits(hidden, rows);
      for (const i of rows.keys()) {
        const logits = values.subarray(i * vocabSize, (i + 1) * vocabSize);
        onLogits({ logits, argmax: argmax[i] }, begin + i);
      }
    }
  }
}
