import type { SamplingOptions } from '../serving/sampling-params.ts';

/** The API's names of the engine's sampling options that both routes have. */
export const SAMPLING_FIELDS: Readonly<
  Record<Exclude<keyof SamplingOptions, 'logprobs' | 'promptLogprobs'>, string>
> = {
  temperature: 'temperature',
  topK: 'top_k',
  topP: 'top_p',
  minP: 'min_p',
  repetitionPenalty: 'repetition_penalty',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
  logitBias: 'logit_bias',
  seed: 'seed',
  minNewTokens: 'min_tokens',
  stopTokenIds: 'stop_token_ids',
  stop: 'stop',
  ignoreEos: 'ignore_eos',
  n: 'n',
};

/** The API's names of all options that an error of the engine may name. */
export const OPTION_FIELDS: Readonly<Record<string, string>> = {
  ...SAMPLING_FIELDS,
  maxNewTokens: 'max_tokens',
  promptLogprobs: 'prompt_logprobs',
};
