import type { BlockCopy, BlockManager } from './block-manager.ts';
import type { Sequence } from './sequence.ts';

/** How much is computed in a step. None of it changes a bit of what is computed. */
export interface SchedulerOptions {
  /**
   * The most sequences in a step. A paused one takes no place in it, or slow consumers would stop the
   * others.
   */
  maxBatch: number;
  /** The most tokens in a step, of all sequences together. */
  maxBatchTokens: number;
  /** The most tokens of one sequence in a step. */
  prefillChunk: number;
  /** The same in a step that no other sequence is ready for. Default: `prefillChunk`. */
  prefillChunkAlone?: number;
  /** With its drafts a step has at most this number of tokens, plus one. Default 0: no drafts. */
  promptLookup?: number;
}

/**
 * Drafts tokens that a sequence may choose next.
 *
 * @param most tokens.
 */
export type Propose<S extends Sequence> = (sequence: S, most: number) => readonly number[];

/** What a step computes of a sequence. */
export interface ScheduledSpan<S extends Sequence> {
  sequence: S;
  /** The number of the sequence's next tokens in this step. */
  numTokens: number;
  /** Computed after them, as if they were the sequence's. */
  draft: readonly number[];
}

/** What a step computes. */
export interface ScheduledStep<S extends Sequence> {
  /** The tokens of each sequence, which has blocks for them. Empty if there is nothing to compute. */
  spans: ScheduledSpan<S>[];
  /** Made before the step, in this order. */
  copies: BlockCopy[];
  /** Sequences that lost their blocks to others; they are computed again when they are next admitted. */
  preempted: S[];
}

/**
 * Decides what each step computes: continuous batching, without a distinction between prompts and generated
 * tokens. Some of a sequence's tokens are computed already, and each step computes some more.
 *
 * First come, first served, and no sequence starves. Proof for the first sequence in order of arrival that
 * is not paused: If it is running, each step begins with it, and it takes the blocks of paused and later
 * sequences until it has enough; alone it fits into the cache. If it is waiting, no other sequence is
 * admitted before it, and each running sequence is finite and progresses or is preempted. So it ends, and
 * the next sequence is first.
 */
export class Scheduler<S extends Sequence = Sequence> {
  readonly options: Readonly<Required<SchedulerOptions>>;
  readonly #blocks: BlockManager;
  /** In order of arrival. */
  readonly #sequences: S[] = [];
  /** Sequences that were admitted; all others are waiting. */
  readonly #running = new Set<S>();
  #numPreemptions = 0;

  /** @throws RangeError if an option is not a positive whole number. */
  constructor(options: SchedulerOptions, blocks: BlockManager) {
    const { maxBatch, maxBatchTokens, prefillChunk, promptLookup = 0 } = options;
    const { prefillChunkAlone = prefillChunk } = options;
    const counts = { maxBatch, maxBatchTokens, prefillChunk, prefillChunkAlone };
    this.options = { ...counts, promptLookup };
    this.#blocks = blocks;
    for (const [name, value] of Object.entries(counts)) {
      if (Number.isInteger(value) && value >= 1) continue;
      throw new RangeError(`${name} is ${value}; expected a whole number, 1 or more`);
    }
  }

  get numRunning(): number {
    return this.#running.size;
  }

  get numWaiting(): number {
    return this.#sequences.length - this.#running.size;
  }

  /** Preemptions so far. */
  get numPreemptions(): number {
    return this.#numPreemptions;
  }

  /** @throws RangeError if the sequence is scheduled already, or does not fit into the cache even alone. */
  add(sequence: S): void {
    this.#checkNew(sequence);
    this.#checkFits(sequence);
    this.#sequences.push(sequence);
  }

  /**
   * Adds sequences that share what another has computed, see {@link BlockManager.fork}. They come right
   * after it in order of arrival, because they belong to the same request.
   *
   * @throws RangeError if the parent is not scheduled, or a child already is or does not continue the
   * parent.
   */
  fork(parent: S, children: readonly S[]): void {
    let index = this.#sequences.indexOf(parent);
    if (index === -1) throw new RangeError(`sequence ${parent.id} is forked, but it is not scheduled`);
    for (const child of children) {
      this.#checkNew(child);
      this.#blocks.fork(parent, child);
      index += 1;
      this.#sequences.splice(index, 0, child);
    }
  }

  /** Removes a sequence, finished or not, and frees its blocks. @returns whether it was scheduled. */
  remove(sequence: S): boolean {
    const index = this.#sequences.indexOf(sequence);
    if (index === -1) return false;
    this.#sequences.splice(index, 1);
    this.#running.delete(sequence);
    this.#blocks.free(sequence);
    return true;
  }

  /**
   * The next step: running sequences, then waiting ones, each in order of arrival. A sequence that is paused
   * or has no token to compute is skipped and keeps its place.
   *
   * @param propose drafts tokens. Default: none.
   * @throws RangeError, and nothing is changed, if a sequence has outgrown the cache.
   */
  schedule(propose?: Propose<S>): ScheduledStep<S> {
    const ready = this.#sequences.filter(isReady);
    for (const sequence of ready) this.#checkFits(sequence);
    const { prefillChunk, prefillChunkAlone } = this.options;
    const chunk = ready.length === 1 ? prefillChunkAlone : prefillChunk;
    const step: ScheduledStep<S> = { spans: [], copies: [], preempted: [] };
    for (const sequence of ready.filter((s) => this.#running.has(s))) {
      // A sequence that this step has preempted is waiting now.
      if (this.#running.has(sequence)) this.#place(sequence, step, chunk);
    }
    // Blocks taken from the last sequence do not go to a waiting one: the two would preempt each other in
    // turns.
    if (step.preempted.length > 0) return step;
    for (const sequence of ready.filter((s) => !this.#running.has(s))) {
      // A sequence that cannot be admitted blocks the queue; so does one that was just preempted.
      if (step.preempted.includes(sequence) || !this.#place(sequence, step, chunk)) break;
      this.#running.add(sequence);
    }
    if (propose) for (const span of step.spans) this.#addDraft(span, step, propose);
    return step;
  }

  /** Adds a sequence's next tokens to the step, with blocks for them. @returns whether there was room. */
  #place(sequence: S, step: ScheduledStep<S>, chunk: number): boolean {
    const { maxBatch, maxBatchTokens } = this.options;
    const most = Math.min(maxBatchTokens - rowsOf(step), chunk);
    if (most === 0 || step.spans.length === maxBatch) return false;
    for (;;) {
      const placed = sequence.blockTable.length > 0 || this.#blocks.admit(sequence, most);
      const numTokens = Math.min(sequence.numUncomputedTokens, most);
      const copies = placed && this.#blocks.grow(sequence, numTokens);
      if (copies) {
        step.spans.push({ sequence, numTokens, draft: [] });
        step.copies.push(...copies);
        return true;
      }
      const victim = this.#victimOf(sequence);
      if (!victim) return false;
      this.#preempt(victim);
      step.preempted.push(victim);
      if (victim === sequence) return false;
    }
  }

  /**
   * Adds a draft to a sequence that generates. It takes what tokens and blocks the step has left. Not in the
   * step that ends a prompt: its other samples would share the blocks that the draft is written to.
   */
  #addDraft(span: ScheduledSpan<S>, step: ScheduledStep<S>, propose: Propose<S>): void {
    const { maxBatchTokens, prefillChunk, promptLookup } = this.options;
    const { sequence, numTokens } = span;
    if (sequence.numNewTokens === 0 || numTokens < sequence.numUncomputedTokens) return;
    const budget = Math.min(maxBatchTokens, promptLookup + 1) - rowsOf(step);
    const most = Math.min(budget, prefillChunk - numTokens);
    const draft = most > 0 ? propose(sequence, most) : [];
    const copies = draft.length > 0 && this.#blocks.grow(sequence, numTokens, draft.length);
    if (!copies) return;
    span.draft = draft;
    step.copies.push(...copies);
  }

  /**
   * The sequence to preempt for another: a paused one, else the one that arrived last, if it arrived later.
   * A waiting sequence preempts no running one, and a running sequence that is the last is preempted itself.
   */
  #victimOf(sequence: S): S | undefined {
    const runs = this.#running.has(sequence);
    const others = this.#sequences.filter((s) => s !== sequence && s.blockTable.length > 0);
    const place = this.#sequences.indexOf(sequence);
    return (
      others.findLast((s) => s.paused) ??
      others.findLast((s) => this.#sequences.indexOf(s) > place && (runs || !this.#running.has(s))) ??
      (runs ? sequence : undefined)
    );
  }

  /** Preemption by recomputation: the sequence is waiting again, at its place in order of arrival. */
  #preempt(victim: S): void {
    this.#blocks.free(victim);
    this.#running.delete(victim);
    this.#numPreemptions += 1;
  }

  #checkNew(sequence: S): void {
    if (!this.#sequences.includes(sequence)) return;
    throw new RangeError(`sequence ${sequence.id} is added, but it is scheduled already`);
  }

  #checkFits({ id, numTokens }: S): void {
    const { numBlocks, blockSize } = this.#blocks;
    if (this.#blocks.fits(numTokens)) return;
    throw new RangeError(
      `sequence ${id} has ${numTokens} tokens; the cache holds ${numBlocks * blockSize} (${numBlocks} blocks of ${blockSize})`,
    );
  }
}

function rowsOf({ spans }: ScheduledStep<Sequence>): number {
  return spans.reduce((sum, { numTokens, draft }) => sum + numTokens + draft.length, 0);
}

function isReady(sequence: Sequence): boolean {
  return !sequence.paused && sequence.numUncomputedTokens > 0;
}
