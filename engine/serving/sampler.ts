import seedrandom from 'seedrandom';
import { expF32 } from '../kernels/exp.ts';
import {
  divideByTemperature,
  hasProcessors,
  keepMinP,
  keepTopK,
  keepTopP,
  processLogits,
} from './logits-processors.ts';
import { type TokenLogprobs, tokenLogprobs } from './logprobs.ts';
import type { SamplingParams } from './sampling-params.ts';

const f = Math.fround;

/** Working memory shared by the samplers of one engine; its content is valid for one token. */
export interface SamplingScratch {
  /** f32 [vocabSize], the copy of the logits that is changed. */
  readonly logits: Float32Array;
  /** f32 [vocabSize], for sorting. */
  readonly sorting: Float32Array;
}

export function createSamplingScratch(vocabSize: number): SamplingScratch {
  return { logits: new Float32Array(vocabSize), sorting: new Float32Array(vocabSize) };
}

/** A sampled token. */
export interface Sampled {
  token: number;
  /** If the request has `logprobs`. */
  logprobs: TokenLogprobs | undefined;
}

/** Samples the tokens of one sequence; keeps its stream of random numbers and the counts of its tokens. */
export class TokenSampler {
  readonly #params: SamplingParams;
  readonly #scratch: SamplingScratch;
  readonly #random: () => number;
  readonly #prompt: ReadonlySet<number>;
  readonly #generated = new Map<number, number>();
  #numGenerated = 0;

  /**
   * @param prompt the ids of the prompt.
   * @param sample index among the request's n samples. Sample 0 gets the same tokens for any n.
   */
  constructor(params: SamplingParams, prompt: readonly number[], sample: number, scratch: SamplingScratch) {
    this.#params = params;
    this.#scratch = scratch;
    // seedrandom repeats a short key, so '1', '11' and '111' give one stream. A key with exactly one slash
    // is no repetition of a shorter key.
    this.#random = seedrandom(`${params.seed}/${sample}`);
    // Only the repetition penalty uses the prompt.
    this.#prompt = new Set(params.repetitionPenalty === 1 ? [] : prompt);
  }

  /** How often each token was generated. */
  get generated(): ReadonlyMap<number, number> {
    return this.#generated;
  }

  /**
   * Samples the next token: greedy takes the largest logit, of equal ones the lowest id; else with one
   * random number.
   *
   * @param logits f32 [vocabSize] as the model computed them; not changed.
   * @param largest index of the largest logit, of equal ones the lowest. Default: it is looked for.
   */
  sample(logits: Float32Array, largest = argmax(logits)): Sampled {
    const { temperature, logprobs } = this.#params;
    const token = temperature === 0 ? this.#greedy(logits, largest) : this.#draw(logits);
    this.#generated.set(token, (this.#generated.get(token) ?? 0) + 1);
    this.#numGenerated++;
    if (logprobs === undefined) return { token, logprobs: undefined };
    return { token, logprobs: tokenLogprobs(logits, token, logprobs, this.#scratch.sorting) };
  }

  /** @returns the processed logits: a copy, or the logits themselves if no parameter changes them. */
  #process(logits: Float32Array): Float32Array {
    if (!hasProcessors(this.#params)) return logits;
    this.#scratch.logits.set(logits);
    processLogits(this.#scratch.logits, this.#params, {
      prompt: this.#prompt,
      generated: this.#generated,
      numGenerated: this.#numGenerated,
    });
    return this.#scratch.logits;
  }

  #greedy(logits: Float32Array, largest: number): number {
    const processed = this.#process(logits);
    return processed === logits ? largest : argmax(processed);
  }

  #draw(logits: Float32Array): number {
    const { temperature, topK, topP, minP } = this.#params;
    const scores = this.#scratch.logits;
    const processed = this.#process(logits);
    if (processed !== scores) scores.set(processed);
    if (temperature !== 1) divideByTemperature(scores, temperature);
    if (topK > 0) keepTopK(scores, topK, this.#scratch.sorting);
    exponentiate(scores);
    if (topP < 1) keepTopP(scores, topP, this.#scratch.sorting);
    if (minP > 0) keepMinP(scores, minP);
    return drawFrom(scores, this.#random());
  }
}

/** @returns the index of the largest logit, of equal ones the lowest; NaN is never the largest. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  let max = Number.NaN;
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i];
    // One comparison for almost every logit; false for NaN and before the first largest.
    if (value <= max || Number.isNaN(value)) continue;
    max = value;
    best = i;
  }
  return best;
}

/**
 * Turns logits into the numerators of their softmax, exp(logit − maximum), with the exp of the kernels. The
 * largest becomes 1, an infinite maximum makes all others 0, and NaN becomes 0.
 */
export function exponentiate(logits: Float32Array): void {
  const max = logits[argmax(logits)];
  for (let i = 0; i < logits.length; i++) {
    if (logits[i] === max) logits[i] = 1;
    else logits[i] = logits[i] > -Infinity ? expF32(f(logits[i] - max)) : 0;
  }
}

/**
 * @param weights f32 [vocabSize], 0 and more: probabilities times any number.
 * @param uniform 0 and more, below 1.
 * @returns the id at which the sum of the weights, in float64 and in ascending order of ids, first exceeds
 * `uniform` times their total.
 */
export function drawFrom(weights: Float32Array, uniform: number): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i];
  const target = uniform * total;
  let sum = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    sum += weights[i];
    if (sum > target) return i;
    last = i;
  }
  // The product was rounded up to the total.
  return last;
}
