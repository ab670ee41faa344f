import { z } from 'zod';
import type { SamplingOptions } from '../../serving/sampling-params.ts';
import { ApiError } from '../api-error.ts';
import type { ServerContext } from '../context.ts';
import { parseBody, refuseUnsupported } from '../request-body.ts';
import { toNumLogprobs } from '../request-limits.ts';
import { commonFields, flag, toSamplingOptions } from '../sampling-fields.ts';
import { checkServedModel } from '../served-model.ts';
import { MAX_CHOICES, type Prompt, parsePrompts } from './prompts.ts';

const completionBody = z.looseObject(
  { ...commonFields, echo: flag, add_special_tokens: flag },
  'expected an object',
);

/** The body of a request for completions, checked. */
export interface CompletionRequest {
  readonly prompts: readonly Prompt[];
  readonly sampling: SamplingOptions & { readonly n: number };
  /** Whether a seed was sent; otherwise each prompt gets one of its own. */
  readonly isSeeded: boolean;
  /** As it was sent, because what fits depends on the prompt. */
  readonly maxTokens: unknown;
  /** The most probable tokens of each row; undefined for no log-probabilities. */
  readonly logprobs: number | undefined;
  readonly promptLogprobs: number | undefined;
  readonly echo: boolean;
  readonly addSpecialTokens: boolean;
  readonly skipSpecialTokens: boolean;
  readonly cacheSalt: string | undefined;
  readonly returnTokenIds: boolean;
  /** Write tokens as `token_id:42`. */
  readonly asIds: boolean;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
}

/**
 * Checks the body of a request for completions.
 *
 * @throws ApiError, OptionError if a field is malformed, out of range or not supported.
 */
export function parseCompletion(
  body: unknown,
  context: Pick<ServerContext, 'servedModelName' | 'maxLogprobs'> & {
    readonly engine: Pick<ServerContext['engine'], 'limits'>;
  },
): CompletionRequest {
  const parsed = parseBody(completionBody, body);
  checkServedModel(parsed.model, context);
  const { vocabSize } = context.engine.limits;
  const { n = 1, ...options } = toSamplingOptions(parsed, context.engine.limits);
  refuseUnsupported(parsed, { best_of: (value) => value === n, suffix: (value) => value === '' });
  const prompts = parsePrompts(parsed.prompt, vocabSize);
  if (prompts.length * n > MAX_CHOICES) {
    const message = `n is ${n}; expected at most ${Math.floor(MAX_CHOICES / prompts.length)} with ${prompts.length} prompts`;
    throw new ApiError(400, message, { param: 'n' });
  }
  const limits = { vocabSize, maxLogprobs: context.maxLogprobs };
  const promptLogprobs = toNumLogprobs('prompt_logprobs', parsed.prompt_logprobs, limits);
  const stream = parsed.stream ?? false;
  if (stream && promptLogprobs !== undefined) {
    const message = 'cannot stream prompt_logprobs; ask for a whole answer, or for echo with logprobs';
    throw new ApiError(400, message, { param: 'prompt_logprobs' });
  }
  if (!stream && parsed.stream_options) {
    throw new ApiError(400, 'cannot serve stream_options without stream true', { param: 'stream_options' });
  }
  return {
    ...{ prompts, promptLogprobs, stream },
    sampling: { ...options, n },
    isSeeded: parsed.seed != null,
    maxTokens: parsed.max_tokens,
    logprobs: toNumLogprobs('logprobs', parsed.logprobs, limits),
    echo: parsed.echo ?? false,
    addSpecialTokens: parsed.add_special_tokens ?? true,
    skipSpecialTokens: parsed.skip_special_tokens ?? true,
    cacheSalt: parsed.cache_salt ?? undefined,
    returnTokenIds: parsed.return_token_ids ?? false,
    asIds: parsed.return_tokens_as_token_ids ?? false,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    continuousUsage: parsed.stream_options?.continuous_usage_stats ?? false,
  };
}
