/** The part of a request that scheduling needs. */
export interface SequenceRequest {
  /**
   * If it is not undefined, even 0, every position must be computed, so no block may come from the prefix
   * cache.
   */
  readonly promptLogprobs?: number | undefined;
}

/** One sample of a request: its tokens, how many are computed, and the blocks of their keys and values. */
export class Sequence<R extends SequenceRequest = SequenceRequest> {
  readonly id: number;
  readonly request: R;
  /** The prompt's ids, then the generated ones. Only {@link append} changes it. */
  readonly tokens: number[];
  readonly numPromptTokens: number;
  /** Cached blocks are shared with sequences of the same salt only, see `PrefixCache.root`. */
  readonly cacheSalt: string | undefined;
  /** Number of first positions whose keys and values are in the cache. */
  numComputedTokens = 0;
  /** Blocks of the cache in order of position. */
  blockTable: number[] = [];
  /**
   * Chain hashes of the first full blocks. They depend on salt and tokens only and so stay valid without the
   * blocks: a preempted sequence does not hash its prompt again.
   */
  blockHashes: string[] = [];
  /** Set while the caller takes events too slowly; a paused sequence is not scheduled. */
  paused = false;

  /** @throws RangeError if the prompt is empty. */
  constructor(id: number, request: R, promptIds: readonly number[], cacheSalt?: string) {
    if (promptIds.length === 0) throw new RangeError(`sequence ${id} has no tokens; expected 1 or more`);
    this.id = id;
    this.request = request;
    this.tokens = promptIds.slice();
    this.numPromptTokens = promptIds.length;
    this.cacheSalt = cacheSalt;
  }

  get numTokens(): number {
    return this.tokens.length;
  }

  /** Tokens generated so far; `maxNewTokens` limits them. */
  get numNewTokens(): number {
    return this.numTokens - this.numPromptTokens;
  }

  /** Tokens not computed yet: of the prompt, of all tokens after a preemption, or the one generated last. */
  get numUncomputedTokens(): number {
    return this.numTokens - this.numComputedTokens;
  }

  append(token: number): void {
    this.tokens.push(token);
  }
}
