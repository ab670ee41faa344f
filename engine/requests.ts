import type { Kernels } from './kernels/kernels.ts';
import type { LoadProgress } from './model/loader.ts';
import type { Observer } from './model/step.ts';

/** How an engine is set up. None of it changes a bit of what is computed. */
export interface EngineOptions {
  /** Positions the cache holds. Default: those of the model, at most 4,096. */
  cacheTokens?: number;
  /** Positions in a block of the cache. Default 16. */
  blockSize?: number;
  /** The most tokens of a prompt that are computed in one step. Default 128. */
  prefillChunk?: number;
  /** What computes; the engine's own from then on, and released with it. Default: new SIMD kernels. */
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

/** A prompt to be continued greedily. */
export interface GenerateRequest {
  ids: readonly number[];
  /** At most this many tokens are generated. */
  maxNewTokens: number;
  /** Go on after the model's end-of-sequence tokens. Default false. */
  ignoreEos?: boolean;
  /** Ends the generation, between two steps of the prompt or after the next token. */
  signal?: AbortSignal;
}

/** One generated token, as it is generated. */
export interface Delta {
  token: number;
  /** The logits it was chosen from, f32 [vocabSize], lent until the engine computes again. */
  logits: Float32Array;
}

/** Why a generation ended: an end-of-sequence token (which is among the tokens), `maxNewTokens`, or the signal. */
export type FinishReason = 'stop' | 'length' | 'abort';

/** What became of a {@link GenerateRequest}. */
export interface GenerateResult {
  promptTokens: number;
  tokens: number[];
  finishReason: FinishReason;
  /** SHA-256 over the logits of every token, see `Fingerprint`. */
  fingerprint: string;
  timing: { prefillMs: number; decodeMs: number };
}
