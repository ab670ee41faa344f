import type { Round } from './rounding.ts';
import type { AttentionCall } from './tapped-kernels.ts';

/** In which way attention is not the engine's own. */
export interface AttendOptions {
  /** Rounds scores, scaled scores and probabilities. Default: they stay f64. */
  readonly round?: Round;
  /** Default: the engine's, 1/√headDim. */
  readonly scale?: number;
  /** Whether a row attends to a position. Default: position ≤ row. */
  readonly sees?: (row: number, position: number) => boolean;
  /** The key-value head of a query head. Default: ⌊head · numKeyValueHeads / numAttentionHeads⌋. */
  readonly keyHeadOf?: (head: number) => number;
  /** Position whose key and value lie where those of a position should. Default: its own. */
  readonly storedAt?: (position: number, row: number) => number;
}

/** out_t = Σ_s softmax_s(q_t · k_s · scale) v_s over the positions s that t sees; nothing seen gives 0. */
export function attend(call: AttentionCall, options: AttendOptions = {}): void {
  const { q, k, v, out, rows, numAttentionHeads, numKeyValueHeads, headDim } = call;
  const { round, scale = call.scale } = options;
  const { sees = (row: number, position: number) => position <= row } = options;
  const { keyHeadOf = (head: number) => Math.floor((head * numKeyValueHeads) / numAttentionHeads) } = options;
  const { storedAt = (position: number) => position } = options;
  const seen = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    let count = 0;
    for (let position = 0; position < rows; position++)
      if (sees(row, position)) seen[count++] = storedAt(position, row);
    for (let head = 0; head < numAttentionHeads; head++) {
      const from = (row * numAttentionHeads + head) * headDim;
      const first = keyHeadOf(head) * headDim;
      const scores = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        const key = seen[i] * numKeyValueHeads * headDim + first;
        let dot = 0;
        for (let d = 0; d < headDim; d++) dot += q[from + d] * k[key + d];
        scores[i] = dot;
      }
      round?.(scores);
      for (let i = 0; i < count; i++) scores[i] *= scale;
      round?.(scores);
      softmax(scores);
      round?.(scores);
      const sums = new Float64Array(headDim);
      for (let i = 0; i < count; i++) {
        const value = seen[i] * numKeyValueHeads * headDim + first;
        for (let d = 0; d < headDim; d++) sums[d] += scores[i] * v[value + d];
      }
      out.set(sums, from);
    }
  }
}

function softmax(scores: Float32Array): void {
  let max = Number.NEGATIVE_INFINITY;
  for (const score of scores) if (score > max) max = score;
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - max);
  for (let i = 0; i < scores.length; i++) scores[i] = Math.exp(scores[i] - max) / sum;
}
