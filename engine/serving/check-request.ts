import type { ModelConfig } from '../config.ts';
import { OptionError, PromptError } from '../errors.ts';
import { checkBoolean, checkCount, checkNames } from '../options.ts';
import { checkPrompt } from './prompt.ts';
import type { GenerateRequest } from './requests.ts';
import { completeSamplingParams, SAMPLING_OPTIONS, type SamplingParams } from './sampling-params.ts';

/** What an engine can serve. */
export interface RequestLimits {
  readonly config: Pick<ModelConfig, 'vocabSize' | 'eosTokenIds' | 'maxPositionEmbeddings'>;
  /** Positions of the whole cache, in full blocks. */
  readonly cacheTokens: number;
  /** Whether the engine can turn tokens into text. */
  readonly hasTokenizer: boolean;
}

/** A request that the engine can serve; later changes of the caller's object do not reach it. */
export interface CheckedRequest {
  readonly ids: readonly number[];
  readonly params: SamplingParams;
  readonly maxNewTokens: number;
  readonly signal: AbortSignal | undefined;
  readonly returnLogits: boolean;
  readonly skipSpecialTokens: boolean;
  readonly cacheSalt: string | undefined;
}

/** The names of a request's fields. */
const REQUEST: Readonly<Record<keyof GenerateRequest, true>> = Object.freeze({
  ids: true,
  maxNewTokens: true,
  signal: true,
  returnLogits: true,
  skipSpecialTokens: true,
  cacheSalt: true,
  ...SAMPLING_OPTIONS,
});

/**
 * Checks a request against what the engine can serve, and copies it. Each of its fields is read once.
 *
 * @throws OptionError if a field is unknown, has the wrong type or is out of range.
 * @throws PromptError if the model cannot take the prompt, or prompt and continuation do not fit into the
 * cache.
 */
export function checkRequest(
  request: GenerateRequest,
  { config, cacheTokens, hasTokenizer }: RequestLimits,
): CheckedRequest {
  checkNames('request', request, REQUEST);
  const {
    ids: given,
    maxNewTokens,
    signal,
    returnLogits = false,
    skipSpecialTokens = false,
    cacheSalt,
  } = request;
  const params = completeSamplingParams(request, config);
  // Before checkPrompt(), which has a default for it.
  checkCount('maxNewTokens', maxNewTokens, 0);
  const ids = checkPrompt(given, config, maxNewTokens);
  if (signal !== undefined && typeof signal?.aborted !== 'boolean') {
    throw new OptionError('signal', signal, 'an AbortSignal');
  }
  checkBoolean('returnLogits', returnLogits);
  checkBoolean('skipSpecialTokens', skipSpecialTokens);
  if (cacheSalt !== undefined && typeof cacheSalt !== 'string') {
    throw new OptionError('cacheSalt', cacheSalt, 'a string');
  }
  if (params.stop.length > 0 && !hasTokenizer) {
    throw new OptionError('stop', params.stop, 'no stop strings without text: give the engine a tokenizer');
  }
  const positions = ids.length + maxNewTokens;
  if (positions > cacheTokens) {
    throw new PromptError(
      `prompt and continuation take ${positions} positions (${ids.length} of the prompt); the cache has ` +
        `${cacheTokens}: raise cacheTokens`,
    );
  }
  return { ids, params, maxNewTokens, signal, returnLogits, skipSpecialTokens, cacheSalt };
}
