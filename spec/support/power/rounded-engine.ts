import { activationTaps } from '../../../verify/reference/activations.ts';
import { type Round, roundToBf16 } from '../../../verify/reference/rounding.ts';
import type { Taps } from '../../../verify/reference/tapped-kernels.ts';

/**
 * An engine of a narrow dtype whose kernels are those that it has: each computes as it does, and its result
 * is rounded. Nothing is computed in their place, so that an edit of the kernels, the cache or the order of
 * steps still shows. Fused attention, as PyTorch's SDPA: scores and probabilities stay f32.
 *
 * @param options.weights false: the weights stay as they are, for an engine that narrows them itself.
 */
export function roundedTaps(
  round: Round = roundToBf16,
  { weights = true }: { weights?: boolean } = {},
): Taps {
  return {
    ...(weights ? { weights: (_name: string, rows: Float32Array) => round(rows) } : {}),
    embedded: round,
    matmul({ y, rows, matrix, compute }) {
      compute();
      round(y.subarray(0, rows * matrix.outputs));
    },
    rmsNorm({ y, rows, weight, compute }) {
      compute();
      round(y.subarray(0, rows * weight.length));
    },
    rope({ x, rows, heads, headDim, cos, sin, compute }) {
      round(cos.subarray(0, (rows * headDim) / 2));
      round(sin.subarray(0, (rows * headDim) / 2));
      compute();
      round(x.subarray(0, rows * heads * headDim));
    },
    attention({ out, rows, numAttentionHeads, headDim, compute }) {
      compute();
      round(out.subarray(0, rows * numAttentionHeads * headDim));
    },
    siluMultiply({ gate, length, compute }) {
      compute();
      round(gate.subarray(0, length));
    },
    residual({ x, length, compute }) {
      compute();
      round(x.subarray(0, length));
    },
    addScaled({ x, length, compute }) {
      compute();
      round(x.subarray(0, length));
    },
  };
}

/**
 * An engine of a narrow dtype that has a bug. What the bug leaves to the kernels is computed as the class
 * does (`activationTaps`); what it computes itself is rounded.
 */
export function faultyTaps(bug: Taps, round: Round = roundToBf16): Taps {
  const honest = activationTaps(round, 'fused');
  return {
    ...honest,
    weights(name, rows, inputs, firstRow) {
      bug.weights?.(name, rows, inputs, firstRow);
      round(rows);
    },
    matmul(call) {
      const compute = (name?: string) => honest.matmul!({ ...call, compute: () => call.compute(name) });
      if (!bug.matmul) return compute();
      bug.matmul({ ...call, compute });
      round(call.y.subarray(0, call.rows * call.matrix.outputs));
    },
    rmsNorm(call) {
      const compute = (eps = call.eps) => honest.rmsNorm!({ ...call, eps });
      if (!bug.rmsNorm) return compute();
      bug.rmsNorm({ ...call, compute });
      round(call.y.subarray(0, call.rows * call.weight.length));
    },
    rope(call) {
      const compute = () => honest.rope!(call);
      if (!bug.rope) return compute();
      bug.rope({ ...call, compute });
      round(call.x.subarray(0, call.rows * call.heads * call.headDim));
    },
    attention(call) {
      const { k, v, out, rows, numAttentionHeads, headDim } = call;
      // A bug may have changed them after they were rounded.
      round(k);
      round(v);
      const compute = () => honest.attention!(call);
      if (!bug.attention) return compute();
      bug.attention({ ...call, compute });
      round(out.subarray(0, rows * numAttentionHeads * headDim));
    },
    residual(call) {
      const compute = () => honest.residual!(call);
      if (!bug.residual) return compute();
      bug.residual({ ...call, compute });
      round(call.x.subarray(0, call.length));
    },
    siluMultiply(call) {
      const compute = () => honest.siluMultiply!(call);
      if (!bug.siluMultiply) return compute();
      bug.siluMultiply({ ...call, compute });
      round(call.gate.subarray(0, call.length));
    },
  };
}
