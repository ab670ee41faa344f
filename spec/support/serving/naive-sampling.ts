import type { SamplingOptions } from '../../../engine/serving/sampling-params.ts';

// transformers.js has no top-k, top-p and min-p of its own, so the definitions of HuggingFace's Python
// (transformers/src/transformers/generation/logits_process.py) are written out here: naively, in float64, by
// sorting everything.

/** The end-of-sequence token of these models. */
export const EOS = 2;
export const ids = (length: number) => [...Array(length).keys()];
export const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
/** In descending order of a value, equal ones by ascending id. */
const ranked = (values: readonly number[]) =>
  ids(values.length).sort((a, b) => values[b] - values[a] || a - b);

function naiveSoftmax(scores: readonly number[]): number[] {
  const max = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - max));
  return weights.map((weight) => weight / sum(weights));
}

export function naiveTopK(scores: readonly number[], k: number): number[] {
  const threshold = scores[ranked(scores)[Math.min(k, scores.length) - 1]];
  return scores.map((score) => (score < threshold ? -Infinity : score));
}

/**
 * Removes the least probable tokens up to a cumulative probability of 1 − p, but never the most probable
 * one.
 */
export function naiveTopP(scores: readonly number[], p: number): number[] {
  const probabilities = naiveSoftmax(scores);
  const filtered = [...scores];
  let cumulative = 0;
  for (const id of ranked(scores).reverse().slice(0, -1)) {
    cumulative += probabilities[id];
    if (cumulative <= 1 - p) filtered[id] = -Infinity;
  }
  return filtered;
}

export function naiveMinP(scores: readonly number[], minP: number): number[] {
  const probabilities = naiveSoftmax(scores);
  const least = minP * Math.max(...probabilities);
  return scores.map((score, id) => (probabilities[id] < least ? -Infinity : score));
}

/** The probabilities from which HuggingFace's `generate` would draw, with vLLM's penalties in between. */
export function naiveProbabilities(
  logits: ArrayLike<number>,
  options: SamplingOptions,
  prompt: readonly number[],
  generated: readonly number[],
): number[] {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, logitBias = {}, repetitionPenalty = 1 } = options;
  const { presencePenalty = 0, frequencyPenalty = 0, minNewTokens = 0 } = options;
  let scores = Array.from(logits, (logit, id) => {
    const count = generated.filter((token) => token === id).length;
    let score = logit + (logitBias[id] ?? 0);
    if (count > 0 || prompt.includes(id)) score *= score < 0 ? repetitionPenalty : 1 / repetitionPenalty;
    score -= frequencyPenalty * count + (count > 0 ? presencePenalty : 0);
    return id === EOS && generated.length < minNewTokens ? -Infinity : score / temperature;
  });
  if (topK > 0) scores = naiveTopK(scores, topK);
  if (topP < 1) scores = naiveTopP(scores, topP);
  if (minP > 0) scores = naiveMinP(scores, minP);
  return naiveSoftmax(scores);
}
