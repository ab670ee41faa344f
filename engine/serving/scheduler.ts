import type { BlockCopy, BlockManager } from './block-manager.ts';
import type { Sequence } from './sequence.ts';

/** How much is computed in a step. None of it changes a bit of what is computed. */
export interface SchedulerOptions {
  /** The most sequences in a step. A paused one takes no place in it, or slow consumers would stop the others. */
  maxBatch: number;
  /** The most tokens in a step, of all sequences together. */
  maxBatchTokens: number;
  /** The most tokens of one sequence in a step. */
  prefillChunk: number;
}

/** What a step is to compute. */
export interface ScheduledStep<S extends Sequence> {
  /** The next `numTokens` tokens of each sequence, which has the blocks for them. Empty if there is nothing to do. */
  spans: { sequence: S; numTokens: number }[];
  /** To be made before the step, in this order. */
  copies: BlockCopy[];
  /** Lost their blocks to others; they are computed again when their turn comes. */
  preempted: S[];
}

/**
 * Decides what each step computes: continuous batching, without a distinction between prompts and generated tokens. A
 * sequence has tokens, some of them are computed, and each step computes some more.
 *
 * First come, first served, and nobody starves. Take the sequence that arrived first of those that are not paused.
 * If it runs, each step begins with it, and it gets the blocks of paused and later ones until it has enough; alone
 * it fits. If it waits, nobody else is admitted before it, and those that run are finitely many and finite: the first
 * of them goes on in every step, or gives way. Either way it ends, and another is first.
 */
export class Scheduler<S extends Sequence = Sequence> {
  readonly options: Readonly<SchedulerOptions>;
  readonly #blocks: BlockManager;
  /** In order of arrival. */
  readonly #sequences: S[] = [];
  /** Those that were admitted; the others wait. */
  readonly #running = new Set<S>();
  #numPreemptions = 0;

  /** @throws RangeError if an option is not a positive whole number. */
  constructor({ maxBatch, maxBatchTokens, prefillChunk }: SchedulerOptions, blocks: BlockManager) {
    this.options = { maxBatch, maxBatchTokens, prefillChunk };
    this.#blocks = blocks;
    for (const [name, value] of Object.entries(this.options)) {
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

  /** How often a sequence lost its blocks to another so far. */
  get numPreemptions(): number {
    return this.#numPreemptions;
  }

  /** @throws RangeError if the sequence is here already, or will not fit into the cache even alone. */
  add(sequence: S): void {
    this.#checkNew(sequence);
    this.#checkFits(sequence);
    this.#sequences.push(sequence);
  }

  /**
   * Adds sequences that go on from what another has computed, see {@link BlockManager.fork}. They arrive right after
   * it, for they belong to its request.
   *
   * @throws RangeError if the parent is not here, or a child is already, or is not a continuation of it.
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

  /** Takes out a sequence, finished or not, at any moment. Its blocks are free then. @returns whether it was here. */
  remove(sequence: S): boolean {
    const index = this.#sequences.indexOf(sequence);
    if (index === -1) return false;
    this.#sequences.splice(index, 1);
    this.#running.delete(sequence);
    this.#blocks.free(sequence);
    return true;
  }

  /**
   * The next step: those that run, then those that wait, each in order of arrival. A sequence that is paused, or has
   * no token to compute, is passed over and keeps its place.
   *
   * @throws RangeError, and nothing is changed, if a sequence has outgrown the cache.
   */
  schedule(): ScheduledStep<S> {
    const ready = this.#sequences.filter(isReady);
    for (const sequence of ready) this.#checkFits(sequence);
    const step: ScheduledStep<S> = { spans: [], copies: [], preempted: [] };
    for (const sequence of ready.filter((s) => this.#running.has(s))) {
      // A victim of this step waits now.
      if (this.#running.has(sequence)) this.#place(sequence, step);
    }
    // What was taken from the last is not given to the next: both would lose their blocks in turns.
    if (step.preempted.length > 0) return step;
    for (const sequence of ready.filter((s) => !this.#running.has(s))) {
      // The first that cannot be admitted holds up the line; so does one that just gave its blocks to one before it.
      if (step.preempted.includes(sequence) || !this.#place(sequence, step)) break;
      this.#running.add(sequence);
    }
    return step;
  }

  /** Gives a sequence its share of the step, and blocks for it. @returns whether there was any. */
  #place(sequence: S, step: ScheduledStep<S>): boolean {
    const { maxBatch, maxBatchTokens, prefillChunk } = this.options;
    const budget = step.spans.reduce((left, span) => left - span.numTokens, maxBatchTokens);
    const most = Math.min(budget, prefillChunk);
    if (most === 0 || step.spans.length === maxBatch) return false;
    for (;;) {
      const placed = sequence.blockTable.length > 0 || this.#blocks.admit(sequence, most);
      const numTokens = Math.min(sequence.numUncomputedTokens, most);
      const copies = placed && this.#blocks.grow(sequence, numTokens);
      if (copies) {
        step.spans.push({ sequence, numTokens });
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
   * Who gives its blocks to a sequence: a paused one, or else the one that arrived last, if that is later. One that
   * waits takes nothing from those that run, and one that runs gives way itself if it is the last.
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

  /** Preemption by recomputation: it waits again, at its place in the order of arrival. */
  #preempt(victim: S): void {
    this.#blocks.free(victim);
    this.#running.delete(victim);
    this.#numPreemptions += 1;
  }

  #checkNew(sequence: S): void {
    if (!this.#sequences.includes(sequence)) return;
    throw new RangeError(`sequence ${sequence.id} is added, but it is here already`);
  }

  #checkFits({ id, numTokens }: S): void {
    const { numBlocks, blockSize } = this.#blocks;
    if (this.#blocks.fits(numTokens)) return;
    throw new RangeError(
      `sequence ${id} has ${numTokens} tokens; the cache holds ${numBlocks * blockSize} (${numBlocks} blocks of ${blockSize})`,
    );
  }
}

function isReady(sequence: Sequence): boolean {
  return !sequence.paused && sequence.numUncomputedTokens > 0;
}
