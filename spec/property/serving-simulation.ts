import { BlockManager } from '../../engine/serving/block-manager.ts';
import { type ScheduledStep, Scheduler, type SchedulerOptions } from '../../engine/serving/scheduler.ts';
import { Sequence } from '../../engine/serving/sequence.ts';
import { assertSound, blocksToWrite, SimulatedMemory } from './serving-memory.ts';

export interface SimulationOptions extends SchedulerOptions {
  numBlocks: number;
  blockSize: number;
  prefixCaching: boolean;
  promptLookup: number;
}

/** Counts of what happened in all simulations: what never happened was not tested. */
export const seen = {
  batches: 0,
  hits: 0,
  evictions: 0,
  copies: 0,
  preemptions: 0,
  preemptionsOfPaused: 0,
  resumed: 0,
  forks: 0,
  cancelled: 0,
  cancelledInStep: 0,
  accepted: 0,
  rejected: 0,
  finished: 0,
};

const nextOf = (tokens: readonly number[], id: number) => tokens.reduce((sum, token) => sum + token, id) % 3;

const rowsOf = ({ spans }: ScheduledStep<Sequence>) =>
  spans.reduce((sum, { numTokens, draft }) => sum + numTokens + draft.length, 0);

/** What comes next, wrong from some token on. */
function propose({ tokens, id }: Sequence, most: number): number[] {
  const all = [...tokens];
  while (all.length < tokens.length + most) all.push(nextOf(all, id));
  const right = all.slice(tokens.length);
  return right.map((token, i) => (i < tokens.length % 5 ? token : token + 1));
}

/**
 * A serving engine with an adder in place of the model: scheduler, blocks, and a memory that records its
 * content. Keeps its own order of arrival and set of running sequences, and checks every step against them.
 */
export class Simulation {
  readonly options: SimulationOptions;
  readonly blocks: BlockManager;
  readonly scheduler: Scheduler;
  readonly #memory: SimulatedMemory;
  /** In order of arrival, with the number of tokens at which each ends. */
  readonly #ends = new Map<Sequence, number>();
  #order: Sequence[] = [];
  readonly #running = new Set<Sequence>();
  readonly #preempted = new Set<Sequence>();
  #lastId = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.blocks = new BlockManager(options);
    this.scheduler = new Scheduler(options, this.blocks);
    this.#memory = new SimulatedMemory(options.blockSize);
  }

  /** Not finished and not cancelled, in order of arrival. */
  get sequences(): readonly Sequence[] {
    return this.#order;
  }

  /** Adds a sequence, cut to what the cache can hold. */
  add(promptIds: readonly number[], maxNewTokens: number, promptLogprobs: 0 | undefined): void {
    const sequence = this.#create(promptIds.slice(0, this.#capacity), maxNewTokens, promptLogprobs);
    this.scheduler.add(sequence);
    this.#order.push(sequence);
    this.assertSound();
  }

  /** Adds `count` sequences that continue what another has computed, each with a token of its own. */
  fork(parent: Sequence, count: number, maxNewTokens: number): void {
    const { numComputedTokens, tokens, request } = parent;
    if (numComputedTokens === 0 || numComputedTokens >= this.#capacity) return;
    const children = Array.from({ length: count }, (_, i) => {
      const ids = [...tokens.slice(0, numComputedTokens), 10 + i];
      return this.#create(ids, maxNewTokens, request.promptLogprobs === undefined ? undefined : 0);
    });
    this.scheduler.fork(parent, children);
    this.#order.splice(this.#order.indexOf(parent) + 1, 0, ...children);
    seen.forks += 1;
    this.assertSound();
  }

  cancel(sequence: Sequence): void {
    this.#remove(sequence);
    seen.cancelled += 1;
    this.assertSound();
  }

  /**
   * Schedules a step, checks it against the rules, and computes it.
   *
   * @param cancelled a sequence that is cancelled when the step is scheduled but not computed.
   * @returns the step's tokens.
   */
  step(cancelled?: Sequence): number {
    const before = this.blocks.stats();
    const readyBefore = this.#order.filter((s) => !s.paused && s.numUncomputedTokens > 0);
    const step = this.scheduler.schedule(propose);
    this.#assertLimits(step);
    this.#assertOrder(step, readyBefore);
    for (const victim of step.preempted) this.#running.delete(victim);
    for (const { sequence } of step.spans) this.#running.add(sequence);
    this.#memory.copy(step.copies);
    this.assertSound();
    if (cancelled) {
      this.cancel(cancelled);
      seen.cancelledInStep += 1;
    }
    this.#compute(step);
    this.assertSound();
    this.#count(step, before);
    return rowsOf(step);
  }

  /** Steps until all sequences that are not paused have ended. @throws Error if one starves. */
  drain(): void {
    const active = () => this.#order.filter(({ paused }) => !paused);
    // Generous: in every step the first sequence computes a token, or another is preempted for it and begins
    // again later.
    let stepsLeft = 20 + 8 * active().reduce((sum, sequence) => sum + this.#ends.get(sequence)!, 0);
    while (active().length > 0) {
      if (stepsLeft-- === 0) throw new Error(`starving: ${active().map(({ id }) => id)}`);
      this.step();
    }
  }

  assertSound(): void {
    assertSound(this.blocks, this.#memory, this.#order);
    const { numRunning, numWaiting } = this.scheduler;
    if (numRunning !== this.#running.size || numRunning + numWaiting !== this.#order.length) {
      throw new Error(
        `${numRunning} run and ${numWaiting} wait, not ${this.#running.size} of ${this.#order.length}`,
      );
    }
  }

  get #capacity(): number {
    return this.options.numBlocks * this.options.blockSize;
  }

  #create(ids: readonly number[], maxNewTokens: number, promptLogprobs: 0 | undefined): Sequence {
    this.#lastId += 1;
    const sequence = new Sequence(this.#lastId, { promptLogprobs }, ids);
    // The last token is never computed, so it may be one more than fits.
    this.#ends.set(sequence, Math.min(ids.length + maxNewTokens, this.#capacity + 1));
    return sequence;
  }

  #remove(sequence: Sequence): void {
    if (!this.scheduler.remove(sequence)) throw new Error(`sequence ${sequence.id} was not there`);
    if (sequence.blockTable.length > 0) throw new Error(`sequence ${sequence.id} has blocks still`);
    this.#order = this.#order.filter((s) => s !== sequence);
    this.#running.delete(sequence);
  }

  #compute({ spans }: ScheduledStep<Sequence>): void {
    const live = spans.filter(({ sequence }) => this.#order.includes(sequence));
    const written = live.flatMap(({ sequence, numTokens, draft }) =>
      blocksToWrite(this.blocks, sequence, numTokens + draft.length),
    );
    if (new Set(written).size < written.length) throw new Error(`two write one block: ${written}`);
    // All sequences write before any is checked or found, as in a batch.
    for (const { sequence, numTokens, draft } of live) this.#memory.compute(sequence, numTokens, draft);
    for (const { sequence, numTokens, draft } of live) {
      this.blocks.commit(sequence, numTokens);
      if (sequence.numUncomputedTokens > 0) continue;
      this.#choose(sequence, draft);
      if (sequence.numTokens < this.#ends.get(sequence)!) continue;
      this.#remove(sequence);
      seen.finished += 1;
    }
  }

  /** Appends the next token, and those after it for which a draft has computed their logits. */
  #choose(sequence: Sequence, draft: readonly number[]): void {
    sequence.append(nextOf(sequence.tokens, sequence.id));
    for (const token of draft) {
      const isRight = sequence.numTokens < this.#ends.get(sequence)! && sequence.tokens.at(-1) === token;
      seen[isRight ? 'accepted' : 'rejected'] += 1;
      if (!isRight) break;
      this.blocks.commit(sequence, 1);
      sequence.append(nextOf(sequence.tokens, sequence.id));
    }
    if (draft.length === 0) return;
    this.blocks.trim(sequence);
    const { id, blockTable, numComputedTokens } = sequence;
    const needed = Math.ceil(numComputedTokens / this.options.blockSize);
    if (blockTable.length !== needed) throw new Error(`${id} keeps ${blockTable.length} blocks of ${needed}`);
  }

  #assertLimits(step: ScheduledStep<Sequence>): void {
    const { spans, preempted } = step;
    const { maxBatch, maxBatchTokens, prefillChunk, promptLookup } = this.options;
    const total = rowsOf(step);
    if (spans.length > maxBatch) throw new Error(`${spans.length} sequences in a step of ${maxBatch}`);
    if (total > maxBatchTokens) throw new Error(`${total} tokens in a step of ${maxBatchTokens}`);
    if (new Set(spans.map(({ sequence }) => sequence)).size < spans.length)
      throw new Error('one stands twice');
    const drafting = spans.filter(({ draft }) => draft.length > 0);
    if (drafting.length > 0 && total > promptLookup + 1)
      throw new Error(`drafts in a step of ${total} tokens`);
    if (drafting.some(({ sequence }) => sequence.numNewTokens === 0))
      throw new Error('a draft before a token');
    // Drafts take what is left when every sequence has its own tokens.
    let budget = maxBatchTokens;
    for (const { sequence, numTokens, draft } of spans) {
      if (numTokens + draft.length > prefillChunk) throw new Error(`${sequence.id} gets ${draft} as well`);
      const expected = Math.min(sequence.numUncomputedTokens, prefillChunk, budget);
      if (numTokens !== expected) throw new Error(`${sequence.id} gets ${numTokens} tokens, not ${expected}`);
      if (sequence.paused || preempted.includes(sequence)) throw new Error(`${sequence.id} is scheduled`);
      blocksToWrite(this.blocks, sequence, numTokens + draft.length);
      budget -= numTokens;
    }
    for (const { id, blockTable, numComputedTokens } of preempted) {
      if (blockTable.length + numComputedTokens > 0)
        throw new Error(`${id} keeps ${numComputedTokens} tokens`);
    }
  }

  /** First come, first served. @param ready sequences that could be scheduled, in order of arrival. */
  #assertOrder({ spans, preempted }: ScheduledStep<Sequence>, ready: readonly Sequence[]): void {
    const ids = (sequences: readonly Sequence[]) => sequences.map(({ id }) => id).join();
    const scheduled = spans.map(({ sequence }) => sequence);
    // The first of the running and the first of the waiting sequences are scheduled, without gaps.
    const runs = ready.filter((s) => this.#running.has(s));
    const waits = ready.filter((s) => !this.#running.has(s));
    const numOld = scheduled.filter((s) => this.#running.has(s)).length;
    const expected = [...runs.slice(0, numOld), ...waits.slice(0, scheduled.length - numOld)];
    if (ids(scheduled) !== ids(expected)) throw new Error(`${ids(scheduled)} instead of ${ids(expected)}`);
    // A preempted sequence is paused, or comes after all scheduled ones; a waiting sequence preempts no
    // running one.
    const lastOf = (sequences: readonly Sequence[]) =>
      Math.max(-1, ...sequences.map((s) => this.#order.indexOf(s)));
    const [last, lastNew] = [lastOf(scheduled), lastOf(scheduled.slice(numOld))];
    const wrong = preempted.filter((s) => {
      const place = this.#order.indexOf(s);
      return !s.paused && (place < lastNew || (this.#running.has(s) && place < last));
    });
    if (wrong.length > 0) throw new Error(`${ids(wrong)} is preempted for a later one`);
    if (scheduled.length > numOld && preempted.some((s) => this.#running.has(s) && !s.paused)) {
      throw new Error(`${ids(scheduled.slice(numOld))} are admitted for ${ids(preempted)}`);
    }
    if (runs.length > 0 && scheduled.length === 0 && preempted.length === 0) throw new Error('an idle step');
  }

  #count({ spans, preempted }: ScheduledStep<Sequence>, before: ReturnType<BlockManager['stats']>): void {
    const after = this.blocks.stats();
    for (const name of ['hits', 'evictions', 'copies'] as const) seen[name] += after[name] - before[name];
    seen.batches += spans.length > 1 ? 1 : 0;
    seen.preemptions += preempted.length;
    seen.preemptionsOfPaused += preempted.filter(({ paused }) => paused).length;
    seen.resumed += spans.filter(({ sequence }) => this.#preempted.delete(sequence)).length;
    for (const victim of preempted) this.#preempted.add(victim);
  }
}
