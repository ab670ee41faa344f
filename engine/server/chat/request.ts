import { z } from 'zod';
import { OptionError } from '../../errors.ts';
import type { ChatPrompt, ServerContext } from '../context.ts';
import { parseBody, refuseUnsupported, toolsJsonOf } from '../request-body.ts';
import { toNumLogprobs } from '../request-limits.ts';
import { commonFields, toSamplingOptions } from '../sampling-fields.ts';
import { checkServedModel } from '../served-model.ts';
import type { ThreadRequest } from '../thread-messages.ts';
import { chatPromptOf, promptFields } from './prompt.ts';

/** What an answer needs of a request. */
export interface ChatRequest {
  readonly prompt: ChatPrompt;
  readonly generation: Omit<ThreadRequest, 'ids' | 'maxNewTokens'>;
  /** As it was sent. */
  readonly maxTokens: unknown;
  /** The name of that field. */
  readonly maxTokensField: 'max_completion_tokens' | 'max_tokens';
  /** Whether calls of functions are looked for in the answer. */
  readonly hasToolCalls: boolean;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Whether each chunk has the usage of its choice. */
  readonly continuousUsage: boolean;
  readonly returnTokenIds: boolean;
  /** Whether log-probabilities write tokens as `token_id:42`. */
  readonly tokensAsIds: boolean;
}

const flag = z.boolean('expected true or false').nullish();

const chatBody = z.looseObject(
  {
    ...commonFields,
    ...promptFields,
    logprobs: flag,
  },
  'expected an object',
);

/** Fields of the chat API alone that are not supported, with what they may be all the same. */
const UNSUPPORTED: Readonly<Record<string, (value: unknown) => boolean>> = {
  audio: () => false,
  chat_template: () => false,
  documents: isEmpty,
  echo: (value) => value === false,
  function_call: (value) => value === 'none',
  functions: isEmpty,
  include_reasoning: (value) => value === true,
  media_io_kwargs: () => false,
  mm_processor_kwargs: () => false,
  modalities: (value) => Array.isArray(value) && value.every((modality) => modality === 'text'),
  // A promise of at most one call would need a grammar.
  parallel_tool_calls: (value) => value === true,
  prediction: () => false,
  web_search_options: () => false,
};

/**
 * Reads the body of `POST /v1/chat/completions`.
 *
 * @throws ApiError 404 for another model; ApiError or OptionError if a field is wrong or not supported.
 */
export function readChatRequest(
  body: unknown,
  context: Pick<ServerContext, 'engine' | 'maxLogprobs' | 'servedModelName' | 'templateTraits'>,
): ChatRequest {
  const parsed = parseBody(chatBody, body);
  checkServedModel(parsed.model, context);
  refuseUnsupported(parsed, UNSUPPORTED);
  const { engine, maxLogprobs, templateTraits } = context;
  const limits = { ...engine.limits, maxLogprobs };
  const stream = parsed.stream ?? false;
  const { tool_choice } = parsed;
  if (tool_choice != null && tool_choice !== 'none' && tool_choice !== 'auto') {
    const expected = '"auto" or "none"; a model cannot be made to call here';
    throw new OptionError('tool_choice', tool_choice, expected);
  }
  const prompt = chatPromptOf(parsed, templateTraits, toolsJsonOf(body));
  if (parsed.stream_options != null && !stream)
    throw new OptionError('stream_options', parsed.stream_options, 'none without stream: true');
  if (parsed.top_logprobs != null && parsed.top_logprobs !== 0 && !parsed.logprobs)
    throw new OptionError('top_logprobs', parsed.top_logprobs, 'none without logprobs: true');
  if (parsed.prompt_logprobs != null && stream)
    throw new OptionError('prompt_logprobs', parsed.prompt_logprobs, 'none with stream: true');
  const hasToolCalls =
    prompt.toolsJson !== undefined && tool_choice !== 'none' && templateTraits.hasToolCalls;
  return {
    prompt,
    generation: {
      ...toSamplingOptions(parsed, limits),
      ...(parsed.logprobs && { logprobs: toNumLogprobs('top_logprobs', parsed.top_logprobs ?? 0, limits) }),
      promptLogprobs: toNumLogprobs('prompt_logprobs', parsed.prompt_logprobs, limits),
      // Some models mark the tags of calls as special.
      skipSpecialTokens: (parsed.skip_special_tokens ?? true) && !hasToolCalls,
      ...(parsed.cache_salt != null && { cacheSalt: parsed.cache_salt }),
    },
    ...(parsed.max_completion_tokens == null
      ? { maxTokens: parsed.max_tokens, maxTokensField: 'max_tokens' }
      : { maxTokens: parsed.max_completion_tokens, maxTokensField: 'max_completion_tokens' }),
    hasToolCalls,
    stream,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    continuousUsage: parsed.stream_options?.continuous_usage_stats ?? false,
    returnTokenIds: parsed.return_token_ids ?? false,
    tokensAsIds: parsed.return_tokens_as_token_ids ?? false,
  };
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
