import { OptionError } from '../errors.ts';
import { ApiError } from './api-error.ts';
import type { ServerContext } from './context.ts';

type EngineLimits = ServerContext['engine']['limits'];

/** What is given of log-probabilities at most. */
export type LogprobLimits = Pick<EngineLimits, 'vocabSize'> & Pick<ServerContext, 'maxLogprobs'>;

/**
 * How many of the most probable tokens a request asks for.
 *
 * @param value as it was sent; −1 is the whole vocabulary, as in vLLM.
 * @returns undefined if it asks for no log-probabilities.
 * @throws OptionError if it is no number, or more than the server gives.
 */
export function toNumLogprobs(
  field: string,
  value: unknown,
  { vocabSize, maxLogprobs }: LogprobLimits,
): number | undefined {
  if (value == null) return undefined;
  const most = maxLogprobs === -1 ? vocabSize : Math.min(maxLogprobs, vocabSize);
  const wanted = value === -1 ? vocabSize : value;
  if (isCount(wanted) && wanted <= most) return wanted;
  const limit = most === vocabSize ? 'the size of the vocabulary' : 'the limit that --max-logprobs sets';
  throw new OptionError(field, value, `a whole number from 0 to ${most}, ${limit}`);
}

/** Tokens of a prompt, and how many are to follow them. */
export interface TokenBudget {
  readonly promptTokens: number;
  /** The name of the prompt's field. Default `prompt`. */
  readonly promptField?: string;
  /** As it was sent. */
  readonly maxTokens: unknown;
  /** The name of that field. */
  readonly field: string;
  /** If it was not sent: this many, or as many as fit. */
  readonly byDefault: number;
  readonly minTokens?: number | undefined;
}

/**
 * How many tokens are generated at most.
 *
 * @throws ApiError if the prompt is too long; OptionError if prompt and continuation are, or fewer tokens
 * are allowed than required.
 */
export function maxNewTokensOf(
  { promptTokens, promptField = 'prompt', maxTokens, field, byDefault, minTokens = 0 }: TokenBudget,
  { maxTokens: positions }: Pick<EngineLimits, 'maxTokens'>,
): number {
  const left = positions - promptTokens;
  // A request that does not say how many tokens it wants, wants at least one.
  const least = maxTokens == null ? 1 : 0;
  if (left < least) {
    const most = positions - least;
    const message = `the prompt has ${promptTokens} tokens; expected at most ${most}: shorten it by ${promptTokens - most}`;
    throw new ApiError(400, message, { param: promptField });
  }
  const wanted = maxTokens ?? Math.min(byDefault, left);
  if (!isCount(wanted)) throw new OptionError(field, maxTokens, 'a whole number, 0 or more');
  if (wanted > left) {
    const room = `at most ${left}, because the prompt has ${promptTokens} of ${positions} tokens`;
    throw new OptionError(field, maxTokens, `${room}: ask for fewer, or shorten the prompt`);
  }
  if (minTokens > wanted) throw new OptionError('min_tokens', minTokens, `at most ${field}, ${wanted}`);
  return wanted;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}
