import { PromptError, UsageError } from '../errors.ts';
import { completeSamplingParams } from '../serving/sampling-params.ts';
import type { PromptInput } from './prompt-input.ts';
import type { NamedRequest } from './prompts.ts';
import { type SamplingFlags, samplingOptions } from './sampling-flags.ts';

/** What the flags say of requests. */
export interface RequestFlags extends SamplingFlags {
  maxTokens?: number;
  json?: boolean;
  /** The file of requests, if they come from one. */
  requests?: string;
}

/** A request but for the ids of its prompt, which only the model's tokenizer knows. */
export type UnencodedRequest = Omit<NamedRequest, 'ids'>;

/** Ids that a real vocabulary has not are noticed later, when there is one. */
const ANY_VOCABULARY = { vocabSize: Number.MAX_SAFE_INTEGER, eosTokenIds: [] };

/**
 * A request as its line and the flags say, the line going before; checked before a model is looked for.
 *
 * @throws UsageError if the flags are not enough, or one has a value that makes no sense.
 * @throws PromptError if an option of the line makes no sense; it names the line.
 */
export function completeRequest(
  { name, maxTokens: ofLine, sampling }: PromptInput,
  flags: RequestFlags,
): UnencodedRequest {
  const maxNewTokens = ofLine ?? flags.maxTokens;
  const request = { ...samplingOptions(flags), ...sampling };
  const isLine = flags.requests !== undefined;
  if (maxNewTokens === undefined) {
    throw new UsageError(`${isLine ? `${name}: has no maxTokens: add it, or ` : ''}give --max-tokens`);
  }
  if (!flags.json && (request.logprobs !== undefined || request.promptLogprobs !== undefined)) {
    throw new UsageError('log-probabilities are printed with --json only: give it too');
  }
  if (!isLine && (flags.samples ?? 1) > 1 && !flags.temperature) {
    throw new UsageError('--samples without --temperature would give the same continuation each time');
  }
  try {
    completeSamplingParams(request, ANY_VOCABULARY);
  } catch (cause) {
    const { message } = cause as Error;
    throw isLine ? new PromptError(`${name}: ${message}`, { cause }) : new UsageError(message, { cause });
  }
  return { ...request, name, maxNewTokens };
}
