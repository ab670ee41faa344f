/**
 * Changes to logits before a token is drawn, as HuggingFace's `generate` makes them
 * (transformers/src/transformers/generation/logits_process.py) and in the order of its
 * `_get_logits_processor` (generation/utils.py): bias, repetition, minimum of new tokens, then, only if not
 * greedy, temperature, top-k, top-p, min-p. Presence and frequency penalties are not HuggingFace's; they
 * stand after repetition as in vLLM.
 *
 * All of them work in place, on a copy of the engine's logits. Each result is rounded to f32.
 */
import type { SamplingParams } from './sampling-params.ts';

/** The tokens of a sequence so far. */
export interface TokenHistory {
  /** Distinct ids of the prompt. */
  readonly prompt: ReadonlySet<number>;
  /** How often each id was generated. */
  readonly generated: ReadonlyMap<number, number>;
  /** Tokens generated. */
  readonly numGenerated: number;
}

/** @returns whether {@link processLogits} can change a logit. */
export function hasProcessors(params: SamplingParams): boolean {
  const { logitBias, repetitionPenalty, presencePenalty, frequencyPenalty, minNewTokens } = params;
  const penalised = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
  return penalised || logitBias.length > 0 || minNewTokens > 0;
}

/**
 * All changes that come before the temperature; they apply to greedy sequences too.
 *
 * @param logits f32 [vocabSize], changed.
 */
export function processLogits(logits: Float32Array, params: SamplingParams, history: TokenHistory): void {
  const { repetitionPenalty, presencePenalty, frequencyPenalty, minNewTokens } = params;
  addLogitBias(logits, params.logitBias);
  if (repetitionPenalty !== 1) penaliseRepetition(logits, history, repetitionPenalty);
  if (presencePenalty !== 0 || frequencyPenalty !== 0) {
    penaliseGenerated(logits, history.generated, presencePenalty, frequencyPenalty);
  }
  if (history.numGenerated < minNewTokens) forbidTokens(logits, params.stopIds);
}

/** `SequenceBiasLogitsProcessor`, for sequences of one token. */
export function addLogitBias(logits: Float32Array, logitBias: SamplingParams['logitBias']): void {
  for (const [id, bias] of logitBias) logits[id] += bias;
}

/**
 * `RepetitionPenaltyLogitsProcessor`: once for each token of prompt and continuation, however often it
 * occurs.
 */
export function penaliseRepetition(
  logits: Float32Array,
  { prompt, generated }: Pick<TokenHistory, 'prompt' | 'generated'>,
  penalty: number,
): void {
  const penalise = (id: number) => {
    if (logits[id] < 0) logits[id] *= penalty;
    else logits[id] /= penalty;
  };
  for (const id of prompt) penalise(id);
  for (const id of generated.keys()) if (!prompt.has(id)) penalise(id);
}

/**
 * OpenAI's penalties as vLLM applies them (`apply_penalties` in vllm/model_executor/layers/utils.py): over
 * generated tokens only, the frequency first.
 */
export function penaliseGenerated(
  logits: Float32Array,
  generated: ReadonlyMap<number, number>,
  presencePenalty: number,
  frequencyPenalty: number,
): void {
  for (const [id, count] of generated) {
    logits[id] -= frequencyPenalty * count;
    logits[id] -= presencePenalty;
  }
}

/**
 * What `MinNewTokensLengthLogitsProcessor` does to end-of-sequence tokens. Ids beyond the vocabulary do
 * nothing.
 */
export function forbidTokens(logits: Float32Array, ids: readonly number[]): void {
  for (const id of ids) logits[id] = -Infinity;
}

/** `TemperatureLogitsWarper`. @param temperature above 0 */
export function divideByTemperature(logits: Float32Array, temperature: number): void {
  for (let i = 0; i < logits.length; i++) logits[i] /= temperature;
}

/**
 * `TopKLogitsWarper`: logits below the k-th largest become −∞. All logits equal to it stay, so more than k
 * can be left.
 *
 * @param scratch as long as the logits; overwritten.
 */
export function keepTopK(logits: Float32Array, k: number, scratch: Float32Array): void {
  if (k >= logits.length) return;
  const threshold = kthLargest(logits, k, scratch);
  for (let i = 0; i < logits.length; i++) if (!(logits[i] >= threshold)) logits[i] = -Infinity;
}

/**
 * `TopPLogitsWarper`: the fewest most probable tokens whose probabilities add up to p or more stay: the one
 * that crosses p is kept, and always the most probable one. HuggingFace leaves open which of equally
 * probable tokens goes first; here it is the lower id.
 *
 * @param weights f32 [vocabSize], probabilities times any number, the largest 1; those of removed tokens
 * become 0.
 * @param p below 1
 * @param scratch as long as the weights; overwritten.
 */
export function keepTopP(weights: Float32Array, p: number, scratch: Float32Array): void {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  // All tokens less probable than this have less than 1 − p together, so they are removed without sorting.
  const negligible = ((1 - p) * total) / weights.length;
  let count = 0;
  for (let i = 0; i < weights.length; i++) if (weights[i] >= negligible) scratch[count++] = weights[i];
  const ascending = scratch.subarray(0, count).sort();
  let least = ascending.length - 1;
  for (let mass = ascending[least]; mass < p * total && least > 0; mass += ascending[least]) least--;
  const threshold = ascending[least];
  let equals = 1;
  while (least + equals < ascending.length && ascending[least + equals] === threshold) equals++;
  for (let i = 0; i < weights.length; i++) {
    const isKept = weights[i] > threshold || (weights[i] === threshold && equals-- > 0);
    if (!isKept) weights[i] = 0;
  }
}

/**
 * `MinPLogitsWarper`: removes tokens that are less probable than p times the most probable one.
 *
 * @param weights as in {@link keepTopP}.
 */
export function keepMinP(weights: Float32Array, p: number): void {
  for (let i = 0; i < weights.length; i++) if (weights[i] < p) weights[i] = 0;
}

/**
 * @param k from 1 to the number of values
 * @param scratch as long as the values; overwritten.
 * @returns the k-th largest value, equal ones counted one by one; −∞ if fewer than k are larger than −∞.
 */
export function kthLargest(values: Float32Array, k: number, scratch: Float32Array): number {
  // Collects values above the k-th largest so far; sorts and drops the smaller half when the buffer is full.
  const capacity = Math.min(values.length, Math.max(2 * k, 1024));
  let threshold = -Infinity;
  let count = 0;
  const shrink = () => {
    const sorted = scratch.subarray(0, count).sort();
    if (count < k) return;
    sorted.copyWithin(0, count - k);
    count = k;
    threshold = scratch[0];
  };
  for (let i = 0; i < values.length; i++) {
    if (!(values[i] > threshold)) continue;
    if (count === capacity) shrink();
    scratch[count++] = values[i];
  }
  shrink();
  return threshold;
}
