/** @returns the index of the largest logit, of equal ones the lowest; NaN is never the largest. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) {
    if (logits[i] > logits[best] || Number.isNaN(logits[best])) best = i;
  }
  return best;
}
