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
    const { kernels, config, rows, q, k, v, cos, sin } = step;
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
    this.#attend(step);

    kernels.matmul(step.attended, rows, this.oProj, y);
    step.shard.sum(y, rows * config.hiddenSize, kernels);
    step.report(`layers.${this.layer}.attention`, y, config.hiddenSize);
  }

  #attend(step: Step): void {
    const { kernels, config, cache, scores } = step;
    const { numAttentionHeads, numKeyValueHeads, headDim } = config;
    const { keys, values } = cache.layers[this.layer];
    const queryWidth = numAttentionHeads * headDim;
    const keyValueWidth = numKeyValueHeads * headDim;
    let row = 0;
    for (const { ids, startPosition, blockTable } of step.spans) {
      const end = row + ids.length;
      step.blockTable.set(blockTable);
      const where = {
        keys,
        values,
        blockTable: step.blockTable.subarray(0, blockTable.length),
        blockSize: cache.blockSize,
        startPosition,
        numKeyValueHeads,
        headDim,
      };
      kernels.storeKeyValue({
        ...where,
        rows: ids.length,
        k: step.k.subarray(row * keyValueWidth, end * keyValueWidth),
        v: step.v.subarray(row * keyValueWidth, end * keyValueWidth),
      });
      kernels.attention({
        ...where,
        rows: ids.length,
        numAttentionHeads,
        scale: 1 / Math.sqrt(headDim),
        q: step.q.subarray(row * queryWidth, end * queryWidth),
        out: step.attended.subarray(row * queryWidth, end * queryWidth),
        scores,
      });
      row = end;
    }
  }
}
