import type { Kernels } from '../kernels/kernels.ts';
import type { LoadProgress } from '../model/loader.ts';
import type { Observer } from '../model/step.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { TokenLogprobs } from './logprobs.ts';
import type { SamplingOptions } from './sampling-params.ts';

/** What runs the ranks of an engine: processes that it starts itself, or those that mpirun has started. */
export type Backend = 'fork' | 'mpi';

/** How an engine is set up. None of it changes a bit of what is computed. */
export interface EngineOptions {
  /** Positions the cache holds. Default: those of the model, at most 4,096. */
  cacheTokens?: number;
  /** Positions in a block of the cache. Default 16. */
  blockSize?: number;
  /** The most sequences that are computed in one step. Default 16. */
  maxBatch?: number;
  /** The most tokens that are computed in one step, of all sequences together. Default 256. */
  maxBatchTokens?: number;
  /** The most tokens of one sequence that are computed in one step. Default 128. */
  prefillChunk?: number;
  /** Whether sequences share the blocks of a common beginning. Default true. */
  prefixCaching?: boolean;
  /** Turns tokens into text; needed for stop strings, and for the text of results. Default none. */
  tokenizer?: Pick<Tokenizer, 'createStream'>;
  /**
   * Ranks of tensor parallelism: processes that share heads, columns and vocabulary; 1, 2, 4 or 8. Default 1.
   * With more than one rank, the engine must be closed, or its processes are ended with this one.
   */
  tp?: number;
  /** Ranks of expert parallelism: processes that share the experts; beside `tp` above 1, 1 or as many. Default 1. */
  ep?: number;
  /**
   * What the ranks are: `fork`, processes on this machine that the engine starts; `mpi`, those that mpirun has started,
   * of which each loads the engine: on rank 0 that gives the engine, the others serve it and exit with it.
   * Default: `mpi` if mpirun has started this process and there is more than one rank.
   */
  backend?: Backend;
  /** Milliseconds that a rank may stay silent before it is an error. Default 10,000. */
  groupTimeoutMs?: number;
  /**
   * Threads of each rank that compute, the calling one included; 1 … 256. Default: as many as the machine can run at
   * once, shared out among the ranks on it.
   */
  threads?: number;
  /**
   * Lets V8 fuse pairs of vectors into 256 bits, which is experimental there and up to twice as fast; it holds for the
   * whole process. Default false.
   */
  revectorize?: boolean;
  /** What computes; the engine's own from then on, and released with it. Default: new SIMD kernels with these threads. */
  kernels?: Kernels;
  onProgress?: LoadProgress;
}

/** What `Engine.forward` is asked for. */
export interface ForwardOptions {
  /** Positions whose logits are wanted, in ascending order. Default: all. */
  positions?: readonly number[];
  /** Return the hidden states too. Default false. */
  hidden?: boolean;
  /** Is told every stage of every step, see `Qwen3.forward`. */
  observe?: Observer;
}

/** What `Engine.forward` returns. */
export interface ForwardResult {
  /** f32 [positions asked for, vocabSize] */
  logits: Float32Array;
  /** f32 [numHiddenLayers + 2, T, hiddenSize], see `HiddenStates`. */
  hidden: Float32Array | undefined;
}

/** A prompt to be continued. */
export interface GenerateRequest extends SamplingOptions {
  ids: readonly number[];
  /** At most this many tokens are generated. */
  maxNewTokens: number;
  /** Ends the request at the next step. */
  signal?: AbortSignal;
  /** Give each token's logits with it, a copy. Default false. */
  returnLogits?: boolean;
}

/** One generated token, as it is generated. */
export interface TokenEvent {
  type: 'token';
  /** Which of the requests, counted from 0, and which of its samples. */
  request: number;
  sample: number;
  token: number;
  /** What the token adds to the text; undefined without a tokenizer. */
  text: string | undefined;
  /** If asked for. */
  logprobs: TokenLogprobs | undefined;
  /** f32 [vocabSize], if asked for. */
  logits: Float32Array | undefined;
}

/** One finished sample. */
export interface ResultEvent {
  type: 'result';
  request: number;
  sample: number;
  result: GenerateResult;
}

/** A request that cannot be served; the others go on. */
export interface ErrorEvent {
  type: 'error';
  request: number;
  error: Error;
}

export type GenerateEvent = TokenEvent | ResultEvent | ErrorEvent;

/** Why a generation ended: a stop token or string (the token is among the tokens), `maxNewTokens`, or the signal. */
export type FinishReason = 'stop' | 'length' | 'abort';

/** What became of a sample. */
export interface GenerateResult {
  promptTokens: number;
  /** Tokens of the prompt that were found in the prefix cache when the request was begun. */
  cachedTokens: number;
  tokens: number[];
  /** Without the stop string; undefined without a tokenizer. */
  text: string | undefined;
  finishReason: FinishReason;
  /** SHA-256 over the logits of every token, see `Fingerprint`. */
  fingerprint: string;
  /** For each token, if asked for. */
  logprobs: TokenLogprobs[] | undefined;
  /** For each token of the prompt but the first, if asked for. */
  promptLogprobs: TokenLogprobs[] | undefined;
  timing: { prefillMs: number; decodeMs: number };
}

/** What an engine has done since it was loaded. */
export interface EngineStats {
  steps: number;
  /** Rows computed, of prompts and of generated tokens. */
  tokens: number;
  running: number;
  waiting: number;
  preemptions: number;
  blocks: { total: number; free: number; cached: number; evictions: number; copies: number };
  /** Sequences that looked for a cached prefix, those that found one, and the positions they saved. */
  prefixCache: { queries: number; hits: number; savedTokens: number };
}
