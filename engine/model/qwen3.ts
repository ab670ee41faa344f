import type { ModelDirectory } from '../checkpoint/model-directory.ts';
import { expectedWeights } from '../checkpoint/weights.ts';
import type { ModelConfig } from '../config.ts';
import type { Kernels, PackedMatrix } from '../kernels/kernels.ts';
import type { LoadProgress, Observer } from '../options.ts';
import { Attention } from './attention.ts';
import type { KvCache } from './kv-cache.ts';
import { WeightLoader } from './loader.ts';
import { Mlp } from './mlp.ts';
import { Moe } from './moe.ts';
import type { Shard } from './shard.ts';
import { type Span, Step } from './step.ts';
import { embed, gatherLogits } from './vocabulary.ts';

/** The most rows whose logits are computed at once: each row of logits is as wide as the vocabulary. */
export const HEAD_ROWS = 16;

/** A transformer block: `x += attention(norm(x)); x += mlp(norm(x))` (HuggingFace `Qwen3DecoderLayer`). */
class DecoderLayer {
  readonly inputLayernorm: Float32Array;
  readonly selfAttn: Attention;
  readonly postAttentionLayernorm: Float32Array;
  readonly mlp: Mlp | Moe;

  constructor(weights: WeightLoader, config: ModelConfig, layer: number, maxRows: number) {
    const prefix = `model.layers.${layer}`;
    this.inputLayernorm = weights.vector(`${prefix}.input_layernorm.weight`);
    this.selfAttn = new Attention(weights, layer);
    this.postAttentionLayernorm = weights.vector(`${prefix}.post_attention_layernorm.weight`);
    this.mlp = config.moe?.sparseLayers[layer]
      ? new Moe(weights, layer, config.moe, maxRows)
      : new Mlp(weights, `${prefix}.mlp`);
  }
}

/** How {@link Qwen3.load} loads a model. */
export interface Qwen3LoadOptions {
  /** The most tokens of one step. */
  readonly maxRows: number;
  /** This rank's part of the model. Default: all of it. */
  readonly shard?: Shard;
  readonly onProgress?: LoadProgress;
}

/** Rows of logits. */
export interface Logits {
  /** f32 [rows, vocabSize] */
  readonly values: Float32Array;
  /** i32 [rows]: the token with the largest logit, of equal ones the lowest id; −1 if one is not finite. */
  readonly argmax: Int32Array;
}

/** Qwen3 and Qwen3-MoE (HuggingFace `Qwen3ForCausalLM`, `Qwen3MoeForCausalLM`). */
export class Qwen3 {
  readonly config: ModelConfig;
  /** The most tokens of one {@link forward}. */
  readonly maxRows: number;
  readonly #step: Step;
  readonly #embedTokens: PackedMatrix;
  readonly #layers: readonly DecoderLayer[];
  readonly #norm: Float32Array;
  readonly #lmHead: PackedMatrix;
  readonly #headInput: Float32Array;
  /** f32 [HEAD_ROWS, this rank's part of the vocabulary] */
  readonly #partialLogits: Float32Array;
  /** f32 [HEAD_ROWS, vocabSize] on rank 0, where the parts of all ranks are gathered. */
  readonly #logits: Float32Array;
  readonly #argmax: Int32Array;

  private constructor(weights: WeightLoader, step: Step, config: ModelConfig) {
    const { kernels, maxRows, shard } = step;
    this.config = config;
    this.maxRows = maxRows;
    this.#step = step;
    this.#embedTokens = weights.matrix('model.embed_tokens.weight');
    this.#layers = Array.from(
      { length: config.numHiddenLayers },
      (_, layer) => new DecoderLayer(weights, config, layer, maxRows),
    );
    this.#norm = weights.vector('model.norm.weight');
    this.#lmHead = config.tieWordEmbeddings ? this.#embedTokens : weights.matrix('lm_head.weight');
    this.#headInput = kernels.allocate(HEAD_ROWS * config.hiddenSize);
    this.#partialLogits = kernels.allocate(HEAD_ROWS * this.#lmHead.outputs);
    if (shard.tp === 1) this.#logits = this.#partialLogits;
    else this.#logits = kernels.allocate(shard.group.rank === 0 ? HEAD_ROWS * config.vocabSize : 0);
    this.#argmax = kernels.allocateInt32(HEAD_ROWS);
  }

  /**
   * Reads this rank's weights into the kernels' memory.
   *
   * @param model stays open; nothing is read from it later.
   * @param cache keys and values of this rank's heads.
   * @throws CheckpointError if a weight cannot be read.
   * @throws KernelError if the kernels have too little memory.
   */
  static load(
    { config, checkpoint }: Pick<ModelDirectory, 'config' | 'checkpoint'>,
    kernels: Kernels,
    cache: KvCache,
    { maxRows, shard, onProgress }: Qwen3LoadOptions,
  ): Qwen3 {
    const step = new Step({ kernels, config, cache, maxRows, shard });
    const names = expectedWeights(config).keys();
    const weights = new WeightLoader({ checkpoint, kernels, names, onProgress, shard: step.shard });
    return new Qwen3(weights, step, config);
  }

  /**
   * Computes the tokens of all spans, and stores their keys and values in the cache.
   *
   * With several ranks, every rank calls this with the same spans.
   *
   * @param spans of different sequences; at most {@link maxRows} tokens in all.
   * @param observe called with each stage, by the names `hidden_states.0` (the embedding),
   * `layers.0.q_norm`, `layers.0.k_norm`, `layers.0.q_rope`, `layers.0.k_rope`, `layers.0.attention`,
   * `layers.0.router_logits` (mixture of experts only), `layers.0.mlp`, `hidden_states.1`, …,
   * `hidden_states.final` (after the final norm). With tensor parallelism, stages that have heads have those
   * of this rank.
   * @returns the hidden states after the final norm, f32 [rows, hiddenSize], valid until the next step.
   */
  forward(spans: readonly Span[], observe?: Observer): Float32Array {
    const { config } = this;
    const { rmsNormEps, hiddenSize } = config;
    const step = this.#step;
    const { kernels } = step;
    step.begin(spans, observe);
    const { x, y, normed, rows } = step;

    embed(
      step,
      this.#embedTokens,
      spans.flatMap(({ ids }) => Array.from(ids)),
    );
    step.report('hidden_states.0', x, hiddenSize);
    this.#layers.forEach((layer, i) => {
      kernels.rmsNorm({ x, rows, weight: layer.inputLayernorm, eps: rmsNormEps, y: normed });
      layer.selfAttn.forward(step, normed, y);
      kernels.add(x, y, rows * hiddenSize);

      kernels.rmsNorm({ x, rows, weight: layer.postAttentionLayernorm, eps: rmsNormEps, y: normed });
      layer.mlp.forward(step, normed, rows, y);
      step.report(`layers.${i}.mlp`, y, hiddenSize);
      kernels.add(x, y, rows * hiddenSize);
      step.report(`hidden_states.${i + 1}`, x, hiddenSize);
    });
    kernels.rmsNorm({ x, rows, weight: this.#norm, eps: rmsNormEps, y });
    step.report('hidden_states.final', y, hiddenSize);
    return y.subarray(0, rows * hiddenSize);
  }

  /**
   * Logits of some rows of the hidden states that {@link forward} returned.
   *
   * @param rows indices of rows, at most {@link HEAD_ROWS}.
   * @returns valid until the next call; with tensor parallelism, on rank 0 only.
   */
  logits(hidden: Float32Array, rows: readonly number[]): Logits {
    const { hiddenSize, vocabSize } = this.config;
    for (const [i, row] of rows.entries()) {
      this.#headInput.set(hidden.subarray(row * hiddenSize, (row + 1) * hiddenSize), i * hiddenSize);
    }
    const part = this.#partialLogits.subarray(0, rows.length * this.#lmHead.outputs);
    const { kernels, shard } = this.#step;
    kernels.matmul(this.#headInput, rows.length, this.#lmHead, part);
    if (shard.tp > 1) gatherLogits(this.#step, part, rows.length, this.#logits);
    const values = this.#logits.subarray(0, rows.length * vocabSize);
    if (values.length > 0) kernels.argmax(values, rows.length, vocabSize, this.#argmax);
    return { values, argmax: this.#argmax.subarray(0, rows.length) };
  }
}
