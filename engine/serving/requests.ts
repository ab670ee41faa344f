import type { Observer } from '../options.ts';
import type { PromptTokenLogprobs, TokenLogprobs } from './logprobs.ts';
import type { DraftCounts } from './prompt-lookup.ts';
import type { SamplingOptions } from './sampling-params.ts';

/** Options of `Engine.forward`. */
export interface ForwardOptions {
  /** Positions whose logits are returned, in ascending order. Default: all. */
  positions?: readonly number[];
  /** Return the hidden states too. Default false. */
  hidden?: boolean;
  /** Called with each stage of each step, see `Qwen3.forward`. */
  observe?: Observer;
}

/** What `Engine.forward` returns. */
export interface ForwardResult {
  /** f32 [positions, vocabSize] */
  logits: Float32Array;
  /** f32 [numHiddenLayers + 2, T, hiddenSize], see `HiddenStates`. */
  hidden: Float32Array | undefined;
}

/** A prompt, and how to continue it. */
export interface GenerateRequest extends SamplingOptions {
  ids: readonly number[];
  /** The most tokens to generate. 0 computes the prompt only, for its log-probabilities. */
  maxNewTokens: number;
  /** Aborting it ends the request at the next step, with the tokens generated so far. */
  signal?: AbortSignal;
  /** Return a copy of the logits with each token. Default false. */
  returnLogits?: boolean;
  /** Leave tokens marked special, such as `<|im_end|>`, out of the text. Default false. */
  skipSpecialTokens?: boolean;
  /**
   * The prompt's cached prefix is shared with requests of the same salt only, so that the time of an answer
   * does not tell others what was asked. Default none: shared with all requests without a salt.
   */
  cacheSalt?: string;
}

/** One generated token, as it is generated. */
export interface TokenEvent {
  type: 'token';
  /** Index of the request, and of the sample among the request's. */
  request: number;
  sample: number;
  token: number;
  /** What the token adds to the text; undefined without a tokenizer. */
  text: string | undefined;
  /** If the request has `logprobs`. */
  logprobs: TokenLogprobs | undefined;
  /** f32 [vocabSize], if the request has `returnLogits`. */
  logits: Float32Array | undefined;
}

/** One finished sample. */
export interface ResultEvent {
  type: 'result';
  request: number;
  sample: number;
  result: GenerateResult;
}

/** A request that cannot be served; other requests are not affected. */
export interface ErrorEvent {
  type: 'error';
  request: number;
  error: Error;
}

export type GenerateEvent = TokenEvent | ResultEvent | ErrorEvent;

/**
 * Why a generation ended: a stop token or string (the token is among the tokens), `maxNewTokens`, or the
 * signal.
 */
export type FinishReason = 'stop' | 'length' | 'abort';

/** The result of one sample of a request. */
export interface GenerateResult {
  promptTokens: number;
  /** Tokens of the prompt that were found in the prefix cache at the first step of the request. */
  cachedTokens: number;
  tokens: number[];
  /** Without the stop string; undefined without a tokenizer. */
  text: string | undefined;
  finishReason: FinishReason;
  /** What ended it, if that is one of `stopTokenIds` or a string of `stop`. */
  stopReason: number | string | undefined;
  /** SHA-256 over the logits of every token, see `Fingerprint`. */
  fingerprint: string;
  /** For each token, if the request has `logprobs`. */
  logprobs: TokenLogprobs[] | undefined;
  /** For each token of the prompt but the first, if the request has `promptLogprobs`. */
  promptLogprobs: PromptTokenLogprobs[] | undefined;
  /** If the engine drafts tokens; the tokens do not depend on it. */
  promptLookup?: DraftCounts;
  timing: { prefillMs: number; decodeMs: number };
}

/** What an engine is doing, and what it has done since it was loaded. */
export interface EngineStats {
  steps: number;
  /** Rows computed, of prompts, of generated tokens and of drafts. */
  tokens: number;
  running: number;
  waiting: number;
  preemptions: number;
  blocks: { total: number; free: number; cached: number; evictions: number; copies: number };
  /** Look-ups of a prompt's prefix, those that found one, and the positions found. */
  prefixCache: { queries: number; hits: number; savedTokens: number };
  promptLookup: DraftCounts;
}
