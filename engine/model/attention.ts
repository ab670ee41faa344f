import type { PackedMatrix } from '../kernels/kernels.ts';
import type { WeightLoader } from './loader.ts';
import type { Step } from './step.ts';

/** Grouped-query attention with RMSNorm on queries and keys (HuggingFace `Qwen3Attention`). */
export class Attention {
  readonly layer: number;
  readonly qProj: PackedMatrix;
  readonly kProj: PackedMatrix;
  readonly vProj: PackedMatrix;
  readonly oProj: PackedMatrix;
  readonly qNorm: Float32Array;
  readonly kNorm: Float32Array;

  constructor(weights: WeightLoader, layer: number) {
    const prefix = `model.layers.${layer}.self_attn`;
    this.layer = layer;
    this.qProj = weights.matrix(`${prefix}.q_proj.weight`);
    this.kProj = weights.matrix(`${prefix}.k_proj.weight`);
    this.vProj = weights.matrix(`${prefix}.v_proj.weight`);
    this.oProj = weights.matrix(`${prefix}.o_proj.weight`);
    this.qNorm = weights.vector(`${prefix}.q_norm.weight`);
    this.kNorm = weights.vector(`${prefix}.k_norm.weight`);
  }

  /**
   * With tensor parallelism, computes the heads of this rank and adds up the outputs of all ranks.
   *
   * @param x f32 [rows, hiddenSize], normed
   * @param y f32 [rows, hiddenSize], written
   */
  forward(step: Step, x: Float32Array, y: Float32Array): void {
    const { kernels, config, rows, q, k, v, attended, cos, sin, scores, tables } = step;
    const { numAttentionHeads, numKeyValueHeads, headDim, rmsNormEps } = config;

    // q, k, v = x · Wᵀ
    kernels.matmul(x, rows, this.qProj, q);
    kernels.matmul(x, rows, this.kProj, k);
    kernels.matmul(x, rows, this.vProj, v);

    // Each head is normed separately, before RoPE.
    kernels.rmsNorm({ x: q, rows: rows * numAttentionHeads, weight: this.qNorm, eps: rmsNormEps, y: q });
    kernels.rmsNorm({ x: k, rows: rows * numKeyValueHeads, weight: this.kNorm, eps: rmsNormEps, y: k });
    step.report(`layers.${this.layer}.q_norm`, q, numAttentionHeads * headDim);
    step.report(`layers.${this.layer}.k_norm`, k, numKeyValueHeads * headDim);

    kernels.rope({ x: q, rows, heads: numAttentionHeads, headDim, cos, sin });
    kernels.rope({ x: k, rows, heads: numKeyValueHeads, headDim, cos, sin });
    step.report(`layers.${this.layer}.q_rope`, q, numAttentionHeads * headDim);
    step.report(`layers.${this.layer}.k_rope`, k, numKeyValueHeads * headDim);

    // softmax(q · kᵀ / √headDim) · v, each sequence over its own blocks
    const { blockSize } = step.cache;
    const cache = { ...step.cache.layers[this.layer], blockSize, numKeyValueHeads, headDim };
    kernels.storeKeyValue({ ...cache, rows, k, v, slots: step.slots });
    const width = numAttentionHeads * headDim;
    for (const { sequences, begin, end } of step.groups) {
      kernels.attention({
        ...cache,
        sequences,
        numAttentionHeads,
        scale: 1 / Math.sqrt(headDim),
        q: q.subarray(begin * width, end * width),
        out: attended.subarray(begin * width, end * width),
        scores,
        tables,
      });
    }

    kernels.matmul(attended, rows, this.oProj, y);
    step.shard.sum(y, rows * config.hiddenSize, kernels);
    step.report(`layers.${this.layer}.attention`, y, config.hiddenSize);
  }
}
