import type { ModelConfig } from '../config.ts';
import { OptionError } from '../errors.ts';
import { checkBoolean, checkCount } from '../options.ts';

/** How tokens are sampled, and when a generation ends. */
export interface SamplingOptions {
  /** Divides the logits; 0 takes the largest one (greedy). 0, or 0.001 and more. Default 0. */
  temperature?: number;
  /**
   * Draw from the k largest logits, including all equal to the k-th; 0 for all. Default 0 (HuggingFace: 50).
   */
  topK?: number;
  /** Draw from the fewest tokens whose probabilities add up to this. 0 to 1. Default 1, all of them. */
  topP?: number;
  /**
   * Draw from tokens at least this many times as probable as the most probable. 0 to 1. Default 0, all of
   * them.
   */
  minP?: number;
  /**
   * Divides the positive, multiplies the negative logits of every token seen, prompt included. Above 0.
   * Default 1.
   */
  repetitionPenalty?: number;
  /** Subtracted from the logits of generated tokens. −2 to 2. Default 0. */
  presencePenalty?: number;
  /**
   * Subtracted from the logits of generated tokens, for each time they were generated. −2 to 2. Default 0.
   */
  frequencyPenalty?: number;
  /** Added to the logits of these token ids. −100 (practically never sampled) to 100. Default none. */
  logitBias?: Readonly<Record<number, number>>;
  /**
   * Seed of the request's random numbers: the same request gives the same tokens. 0 to 2⁵³ − 1. Default 0.
   */
  seed?: number;
  /** No stop token is sampled before this many tokens; a stop string still ends the text. Default 0. */
  minNewTokens?: number;
  /** Token ids that end the generation beside the model's own. Default none. */
  stopTokenIds?: readonly number[];
  /** Strings that end the generation; they are not part of its text. Default none. */
  stop?: readonly string[];
  /** Go on after the model's end-of-sequence tokens. Default false. */
  ignoreEos?: boolean;
  /** Samples of the request, each with random numbers of its own. 1 to 1,024; 1 if greedy. Default 1. */
  n?: number;
  /**
   * Return each token's log-probability, and those of this many most probable tokens. Default undefined:
   * none.
   */
  logprobs?: number;
  /** The same for the tokens of the prompt. Default undefined: none. */
  promptLogprobs?: number;
}

/** Their names; the compiler sees to it that none is missing. */
export const SAMPLING_OPTIONS: Readonly<Record<keyof SamplingOptions, true>> = Object.freeze({
  temperature: true,
  topK: true,
  topP: true,
  minP: true,
  repetitionPenalty: true,
  presencePenalty: true,
  frequencyPenalty: true,
  logitBias: true,
  seed: true,
  minNewTokens: true,
  stopTokenIds: true,
  stop: true,
  ignoreEos: true,
  n: true,
  logprobs: true,
  promptLogprobs: true,
});

type Completed = Required<Omit<SamplingOptions, 'logitBias' | 'logprobs' | 'promptLogprobs'>>;

/** {@link SamplingOptions}, complete, valid and frozen. */
export interface SamplingParams extends Readonly<Completed> {
  readonly logitBias: readonly (readonly [id: number, bias: number])[];
  readonly logprobs: number | undefined;
  readonly promptLogprobs: number | undefined;
  /**
   * All ids that end the generation, each once: the model's own, unless they are ignored, and
   * `stopTokenIds`.
   */
  readonly stopIds: readonly number[];
}

/** Below this, f32 logits of a few thousand would overflow when divided. */
const MIN_TEMPERATURE = 0.001;
/** More samples than are useful, and few enough for memory. */
const MAX_SAMPLES = 1024;

type Test = (value: number) => boolean;
const whole =
  (low: number, high: number): Test =>
  (value) =>
    Number.isInteger(value) && value >= low && value <= high;
const between =
  (low: number, high: number): Test =>
  (value) =>
    value >= low && value <= high;

/**
 * Completes the defaults and checks every parameter.
 *
 * @throws OptionError if one has the wrong type or is out of range.
 */
export function completeSamplingParams(
  options: SamplingOptions,
  { vocabSize, eosTokenIds }: Pick<ModelConfig, 'vocabSize' | 'eosTokenIds'>,
): SamplingParams {
  const { temperature = 0, topK = 0, topP = 1, minP = 0, logitBias = {}, stop = [] } = options;
  const { repetitionPenalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = options;
  const { seed = 0, minNewTokens = 0, stopTokenIds = [], ignoreEos = false, n = 1 } = options;
  const { logprobs, promptLogprobs } = options;

  const natural = whole(0, Number.MAX_SAFE_INTEGER);
  const id = whole(0, vocabSize - 1);
  const anId = `a token id, a whole number from 0 to ${vocabSize - 1}`;
  const upToVocabulary = `a whole number from 0 to ${vocabSize}, the size of the vocabulary`;
  checkNumber('temperature', temperature, isTemperature, '0 (greedy), or a finite number, 0.001 or more');
  checkNumber('topK', topK, natural, 'a whole number, 0 or more');
  checkNumber('topP', topP, between(0, 1), 'a number from 0 to 1');
  checkNumber('minP', minP, between(0, 1), 'a number from 0 to 1');
  checkNumber('repetitionPenalty', repetitionPenalty, isPositive, 'a finite number above 0');
  checkNumber('presencePenalty', presencePenalty, between(-2, 2), 'a number from -2 to 2');
  checkNumber('frequencyPenalty', frequencyPenalty, between(-2, 2), 'a number from -2 to 2');
  checkCount('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  checkNumber('minNewTokens', minNewTokens, natural, 'a whole number, 0 or more');
  checkCount('n', n, 1, MAX_SAMPLES);
  if (n > 1 && temperature === 0)
    wrong('n', n, '1 with temperature 0, because greedy samples are all the same');
  if (logprobs !== undefined) checkNumber('logprobs', logprobs, whole(0, vocabSize), upToVocabulary);
  if (promptLogprobs !== undefined) {
    checkNumber('promptLogprobs', promptLogprobs, whole(0, vocabSize), upToVocabulary);
  }
  checkBoolean('ignoreEos', ignoreEos);
  if (!Array.isArray(stopTokenIds)) wrong('stopTokenIds', stopTokenIds, 'an array of token ids');
  for (const [i, value] of stopTokenIds.entries()) checkNumber(`stopTokenIds[${i}]`, value, id, anId);
  if (!Array.isArray(stop)) wrong('stop', stop, 'an array of strings');
  for (const [i, value] of stop.entries()) {
    // A lone surrogate can never match: the text is made of whole characters.
    const valid = typeof value === 'string' && value !== '' && value.isWellFormed();
    if (!valid) wrong(`stop[${i}]`, value, 'a string of at least one character, without lone surrogates');
  }
  if (typeof logitBias !== 'object' || logitBias === null || Array.isArray(logitBias)) {
    wrong('logitBias', logitBias, 'an object whose keys are token ids and whose values are numbers');
  }
  const biases = Object.entries(logitBias).map(([key, bias]) => {
    // Numbers have one spelling, so that no token gets two biases.
    if (!id(Number(key)) || String(Number(key)) !== key) wrong('a key of logitBias', key, anId);
    checkNumber(`logitBias[${key}]`, bias, between(-100, 100), 'a number from -100 to 100');
    return [Number(key), bias] as const;
  });

  const params: SamplingParams = {
    ...{ temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty },
    ...{ seed, minNewTokens, ignoreEos, n, logprobs, promptLogprobs },
    logitBias: Object.freeze(biases),
    stopTokenIds: Object.freeze([...stopTokenIds]),
    stop: Object.freeze([...stop]),
    stopIds: Object.freeze([...new Set([...(ignoreEos ? [] : eosTokenIds), ...stopTokenIds])]),
  };
  if (minNewTokens > 0 && params.stopIds.length === vocabSize) {
    wrong('minNewTokens', minNewTokens, '0, because every token of the vocabulary is a stop token');
  }
  return Object.freeze(params);
}

function isTemperature(value: number): boolean {
  return value === 0 || (value >= MIN_TEMPERATURE && Number.isFinite(value));
}

function isPositive(value: number): boolean {
  return value > 0 && Number.isFinite(value);
}

function checkNumber(name: string, value: unknown, test: Test, expected: string): void {
  if (typeof value !== 'number' || !test(value)) wrong(name, value, expected);
}

function wrong(name: string, found: unknown, expected: string): never {
  throw new OptionError(name, found, expected);
}
