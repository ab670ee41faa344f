import { attend } from './attend.ts';
import type { Round } from './rounding.ts';
import type { Taps } from './tapped-kernels.ts';

/** Attention: `eager` rounds scores and probabilities, `fused` keeps them in f32 (SDPA, flash). */
export type AttentionKind = 'eager' | 'fused';

/**
 * An engine whose activations are of a narrow dtype, as HuggingFace's PyTorch model computes at bf16 and
 * f16: every operation's result is rounded, sums inside of one are f32. (`modeling_qwen3.py`)
 *
 * - RMSNorm is f32 inside; the normed value is rounded, then its product with the gain.
 * - RoPE: cosines and sines are rounded, both products, then their sum.
 * - SwiGLU: SiLU is rounded, then its product with `up`.
 * - A mixture: a routing weight is rounded, its product with the expert's output, and the running sum.
 */
export function activationTaps(round: Round, attention: AttentionKind): Taps {
  const rounded = (values: Float32Array) => {
    const copy = values.slice();
    round(copy);
    return copy;
  };
  return {
    embedded: round,
    matmul({ y, rows, matrix, compute }) {
      compute();
      round(y.subarray(0, rows * matrix.outputs));
    },
    rmsNorm({ x, rows, weight, eps, y }) {
      const width = weight.length;
      const gains = rounded(weight);
      const row = new Float32Array(width);
      for (let begin = 0; begin < rows * width; begin += width) {
        let squares = 0;
        for (let i = 0; i < width; i++) squares += x[begin + i] ** 2;
        const scale = 1 / Math.sqrt(squares / width + eps);
        for (let i = 0; i < width; i++) row[i] = x[begin + i] * scale;
        round(row);
        for (let i = 0; i < width; i++) row[i] *= gains[i];
        round(row);
        y.set(row, begin);
      }
    },
    rope({ x, rows, heads, headDim, cos, sin }) {
      const half = headDim / 2;
      const [c, s] = [rounded(cos.subarray(0, rows * half)), rounded(sin.subarray(0, rows * half))];
      const [byCos, bySin] = [new Float32Array(headDim), new Float32Array(headDim)];
      for (let row = 0; row < rows; row++) {
        for (let head = 0; head < heads; head++) {
          const begin = (row * heads + head) * headDim;
          for (let d = 0; d < headDim; d++) {
            const at = row * half + (d % half);
            byCos[d] = x[begin + d] * c[at];
            bySin[d] = (d < half ? -x[begin + d + half] : x[begin + d - half]) * s[at];
          }
          round(byCos);
          round(bySin);
          for (let d = 0; d < headDim; d++) x[begin + d] = byCos[d] + bySin[d];
        }
      }
      round(x.subarray(0, rows * heads * headDim));
    },
    attention(call) {
      if (attention === 'eager') attend(call, { round });
      else call.compute();
      round(call.out.subarray(0, call.rows * call.numAttentionHeads * call.headDim));
    },
    siluMultiply({ gate, up, length }) {
      const values = gate.subarray(0, length);
      for (let i = 0; i < length; i++) values[i] = values[i] / (1 + Math.exp(-values[i]));
      round(values);
      for (let i = 0; i < length; i++) values[i] *= up[i];
      round(values);
    },
    residual({ x, length, compute }) {
      compute();
      round(x.subarray(0, length));
    },
    addScaled({ x, y, scale, length }) {
      const [weight] = rounded(Float32Array.of(scale));
      const term = new Float32Array(length);
      for (let i = 0; i < length; i++) term[i] = y[i] * weight;
      round(term);
      const sum = x.subarray(0, length);
      for (let i = 0; i < length; i++) sum[i] += term[i];
      round(sum);
    },
  };
}
