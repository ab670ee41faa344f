import type { SamplingOptions } from '../../../engine/serving/sampling-params.ts';

/** The options with which every subject of the bench is loaded. */
export interface PeerSettings {
  /** A model directory in HuggingFace's layout, with our graph in `onnx/` for those that run it. */
  modelDir: string;
  /** Threads to compute with. */
  threads: number;
  /** Whether to fuse vectors to 256 bits; only our engine looks at it. Default false. */
  revectorize?: boolean;
  /** Positions that its cache is to have room for, of all sequences together. */
  cacheTokens: number;
  /** The most sequences it is given at once. */
  maxBatch: number;
  /** Ranks to shard the model over, each with `threads` threads; only our engine reads it. Default 1. */
  tp?: number;
  /** Whether it may keep the beginnings of prompts; only our engine looks at it. Default false. */
  prefixCaching?: boolean;
  /** The most draft tokens of a step; only our engine looks at it. Default 0. */
  promptLookup?: number;
  /** The folder with node-llama-cpp in its `node_modules`. Default: the project, else the specs' own. */
  llamaDir?: string;
}

/** An inference engine as the bench sees it: prompts in, greedy tokens out, reported one by one. */
export interface Peer {
  readonly version: string;
  /** The most requests that it serves at once when they come one by one. */
  readonly maxConcurrent: number;
  /** Bytes of its key/value cache, if it is known. */
  readonly cacheBytes?: number;
  /** Bytes of weights, cache and working memory in this process, if they are known. */
  readonly allocatedBytes?: number;
  /**
   * Continues prompts together, greedily, ended by no token. Nothing is remembered from the call before.
   *
   * @param prompts of one length
   * @param onToken called with the prompt's index for each of its tokens
   * @param sampling instead of greedy; only our engine looks at it
   * @returns the tokens of each prompt
   */
  generate(
    prompts: readonly (readonly number[])[],
    maxNewTokens: number,
    onToken: (prompt: number) => void,
    sampling?: SamplingOptions,
  ): Promise<number[][]>;
  /** Prompt tokens of the last call that were found in the cache, where it tells. */
  cachedTokens?(): number;
  close(): Promise<void>;
}

/** What the module of a peer exports. @throws PeerUnavailable if it cannot be had on this machine. */
export type LoadPeer = (settings: PeerSettings) => Promise<Peer>;

/** A peer cannot take part; the message says why and what would help, in a line. */
export class PeerUnavailable extends Error {
  override readonly name = 'PeerUnavailable';
}

/**
 * The greedy choice for peers that return logits.
 * @returns the lowest index of the largest value.
 */
export function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
