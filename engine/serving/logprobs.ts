import { kthLargest } from './logits-processors.ts';

/** A token and the natural logarithm of its probability. */
export interface TokenLogprob {
  token: number;
  logprob: number;
}

/** The log-probability of a token, and the most probable tokens in descending order. */
export interface TokenLogprobs extends TokenLogprob {
  top: TokenLogprob[];
}

/** The same of a token of the prompt. */
export interface PromptTokenLogprobs extends TokenLogprobs {
  /** The token's place among all tokens, 1 for the most probable; of equal ones the lower ids come first. */
  rank: number;
}

/**
 * The log-probabilities of the model's logits before penalties, temperature and filters, as evaluation
 * harnesses need them (vLLM's `raw_logprobs`).
 *
 * In float64: logit − logSumExp, in ascending order of ids. V8 computes `Math.exp` and `Math.log` in
 * software, the same on every CPU.
 *
 * @param logits f32 [vocabSize]
 * @param topN number of most probable tokens to return, at most vocabSize; of equal ones the lower ids come
 * first.
 * @param scratch as long as the logits; overwritten.
 */
export function tokenLogprobs(
  logits: Float32Array,
  token: number,
  topN: number,
  scratch: Float32Array,
): TokenLogprobs {
  const normaliser = logSumExp(logits);
  const logprobOf = (id: number): TokenLogprob => ({ token: id, logprob: logits[id] - normaliser });
  return { ...logprobOf(token), top: largest(logits, topN, scratch).map(logprobOf) };
}

/**
 * @param logits f32 [vocabSize]
 * @returns the place of a token when all are ordered by their logits, from 1; of equal ones the lower ids
 * come first.
 */
export function rankOf(logits: Float32Array, token: number): number {
  const own = logits[token];
  let rank = 1;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id] > own || (logits[id] === own && id < token)) rank++;
  }
  return rank;
}

/** ln Σ exp(logit), in float64. */
export function logSumExp(logits: Float32Array): number {
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i] > max) max = logits[i];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - max);
  return max + Math.log(sum);
}

/** The ids of the n largest logits, the largest first, of equal ones the lower id. */
function largest(logits: Float32Array, n: number, scratch: Float32Array): number[] {
  if (n === 0) return [];
  const threshold = kthLargest(logits, n, scratch);
  const ids: number[] = [];
  const ties: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    if (logits[id] > threshold) ids.push(id);
    else if (logits[id] === threshold && ties.length < n) ties.push(id);
  }
  return [...ids, ...ties].sort((a, b) => logits[b] - logits[a] || a - b).slice(0, n);
}
