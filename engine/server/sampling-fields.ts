import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { OptionError } from '../errors.ts';
import { completeSamplingParams, type SamplingOptions } from '../serving/sampling-params.ts';
import type { ServerContext } from './context.ts';
import { SAMPLING_FIELDS } from './option-fields.ts';

const MAX_SALT_LENGTH = 1024;
/** More than any client needs; each is looked for after every token, in the thread that computes. */
const MAX_STOP_STRINGS = 64;
const MAX_STOP_LENGTH = 1024;
/** Checking 131,072 takes the server's thread 30 ms, and each is compared with every token. */
const MAX_STOP_TOKENS = 1024;

/** True, false or null. */
export const flag = z.boolean('expected true or false').nullish();

/** Fields of a body that completions and chat share, beside those of sampling. Null is absence. */
export const commonFields = {
  model: z.string('expected a string').nullish(),
  stream: flag,
  stream_options: z
    .object({ include_usage: flag, continuous_usage_stats: flag }, 'expected an object')
    .nullish(),
  return_token_ids: flag,
  return_tokens_as_token_ids: flag,
  skip_special_tokens: flag,
  cache_salt: z
    .string('expected a string')
    .refine(isSalt, `expected 1 to ${MAX_SALT_LENGTH} characters without lone surrogates`)
    .nullish(),
};

/** Seeds of requests without one: whole numbers below this, which randomInt() can draw. */
const MAX_RANDOM_SEED = 2 ** 48 - 1;

/**
 * The sampling of a request, with vLLM's defaults: temperature 1, and a random seed.
 *
 * @param body with the values as they were sent, of any type.
 * @throws OptionError, with the engine's name of the option, if a value has the wrong type or is out of
 * range.
 */
export function toSamplingOptions(
  body: Readonly<Record<string, unknown>>,
  { vocabSize }: Pick<ServerContext['engine']['limits'], 'vocabSize'>,
): SamplingOptions {
  const given = Object.entries(SAMPLING_FIELDS)
    .map(([option, field]) => [option, Object.hasOwn(body, field) ? body[field] : undefined] as const)
    .filter(([, value]) => value != null);
  const sent: Record<string, unknown> = Object.fromEntries(given);
  const { stopTokenIds: stopIds } = sent;
  if (Array.isArray(stopIds) && stopIds.length > MAX_STOP_TOKENS) {
    throw new OptionError('stopTokenIds', stopIds, `an array of at most ${MAX_STOP_TOKENS} token ids`);
  }
  const options = {
    temperature: 1,
    seed: randomSeed(),
    ...sent,
    // vLLM writes "all" as -1.
    ...(sent.topK === -1 && { topK: 0 }),
    ...('stop' in sent && { stop: toStopStrings(sent.stop) }),
  };
  completeSamplingParams(options, { vocabSize, eosTokenIds: [] });
  return options;
}

/** For a request without a seed. */
export function randomSeed(): number {
  return randomInt(MAX_RANDOM_SEED);
}

function toStopStrings(stop: unknown): string[] {
  if (typeof stop === 'string') return [checkStop('stop', stop)];
  if (!Array.isArray(stop)) throw new OptionError('stop', stop, 'a string, or an array of strings');
  if (stop.length > MAX_STOP_STRINGS) {
    throw new OptionError('stop', stop, `an array of at most ${MAX_STOP_STRINGS} strings`);
  }
  return stop.map((each, i) => checkStop(`stop[${i}]`, each));
}

function checkStop(option: string, stop: unknown): string {
  // A lone surrogate can never match: the text is made of whole characters.
  const isStop =
    typeof stop === 'string' && stop !== '' && stop.length <= MAX_STOP_LENGTH && stop.isWellFormed();
  if (isStop) return stop;
  throw new OptionError(
    option,
    stop,
    `a string of 1 to ${MAX_STOP_LENGTH} characters, without lone surrogates`,
  );
}

function isSalt(salt: string): boolean {
  return salt.length > 0 && salt.length <= MAX_SALT_LENGTH && salt.isWellFormed();
}
