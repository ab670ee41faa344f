/** What the bookkeeping asks of a request; the engine's own requests have more. */
export interface SequenceRequest {
  /** Unless undefined (0 is not): every position must be computed, so none may come out of the prefix cache. */
  readonly promptLogprobs?: number | undefined;
}

/** One sample of a request: its tokens, how many of them are computed, and where their keys and values are. */
export class Sequence<R extends SequenceRequest = SequenceRequest> {
  readonly id: number;
  readonly request: R;
  /** The prompt's ids, then the generated ones. Grows by {@link append}; what is there never changes. */
  readonly tokens: number[];
  readonly numPromptTokens: number;
  /** The keys and values of this many first positions are in the cache. */
  numComputedTokens = 0;
  /** Blocks of the cache in order of position. */
  blockTable: number[] = [];
  /**
   * Chain hashes of its first full blocks, as far as they were computed or found. They depend on the tokens alone, so
   * they outlive the blocks: a preempted sequence need not hash its prompt again.
   */
  blockHashes: string[] = [];
  /** Its consumer is slow: it is not scheduled until this is false again. */
  paused = false;

  /** @throws RangeError if the prompt is empty: there would be nothing to go on from. */
  constructor(id: number, request: R, promptIds: readonly number[]) {
    if (promptIds.length === 0) throw new RangeError(`sequence ${id} has no tokens; expected 1 or more`);
    this.id = id;
    this.request = request;
    this.tokens = promptIds.slice();
    this.numPromptTokens = promptIds.length;
  }

  get numTokens(): number {
    return this.tokens.length;
  }

  /** Tokens generated so far, what `maxNewTokens` limits. */
  get numNewTokens(): number {
    return this.numTokens - this.numPromptTokens;
  }

  /** Tokens still to be computed: of a prompt, or of everything after a preemption, or the one generated last. */
  get numUncomputedTokens(): number {
    return this.numTokens - this.numComputedTokens;
  }

  append(token: number): void {
    this.tokens.push(token);
  }
}
