import { Ranks } from './distributed/leader.ts';
import type { Plan } from './distributed/step-plan.ts';
import { PromptError } from './errors.ts';
import { HiddenStates } from './model/hidden-states.ts';
import type { KvCache } from './model/kv-cache.ts';
import { HEAD_ROWS, type Qwen3 } from './model/qwen3.ts';
import type { Observer } from './model/step.ts';
import type { ScheduleOptions } from './options.ts';
import { BlockManager } from './serving/block-manager.ts';
import type { Generation } from './serving/generation.ts';
import type { EngineStats, ForwardOptions, ForwardResult, TokenEvent } from './serving/requests.ts';
import type { SamplingParams } from './serving/sampling-params.ts';
import { Scheduler } from './serving/scheduler.ts';
import { Sequence } from './serving/sequence.ts';

/** A generation that has come further in a step. */
export interface Advance {
  generation: Generation;
  /** The chosen token; undefined if none was wanted. */
  event: TokenEvent | undefined;
}

/** A row of the step whose logits somebody waits for. */
interface WantedRow {
  row: number;
  generation: Generation;
  position: number;
}

/** Computes: schedule → copy blocks → run → commit → sample. */
export class Runner {
  readonly #model: Qwen3;
  readonly #cache: KvCache;
  readonly #ranks: Ranks;
  readonly #blocks: BlockManager;
  readonly #scheduler: Scheduler<Sequence<SamplingParams>>;
  readonly #generations = new Map<Sequence, Generation>();
  readonly #prefillChunk: number;
  #numSteps = 0;
  #numTokens = 0;

  constructor(model: Qwen3, cache: KvCache, options: ScheduleOptions, ranks: Ranks = new Ranks()) {
    this.#model = model;
    this.#cache = cache;
    this.#ranks = ranks;
    this.#blocks = new BlockManager({
      numBlocks: cache.numBlocks,
      blockSize: cache.blockSize,
      prefixCaching: options.prefixCaching,
    });
    this.#scheduler = new Scheduler(options, this.#blocks);
    this.#prefillChunk = Math.min(options.prefillChunk, options.maxBatchTokens);
  }

  /** Whether a prompt and its continuation fit into the cache, if they have it for themselves. */
  fits(numTokens: number): boolean {
    return this.#blocks.fits(numTokens);
  }

  add(generation: Generation): void {
    this.#scheduler.add(generation.sequence);
    this.#generations.set(generation.sequence, generation);
  }

  /** Takes out a generation, finished or not; its blocks are free then. */
  remove(generation: Generation): void {
    this.#scheduler.remove(generation.sequence);
    this.#generations.delete(generation.sequence);
  }

  /**
   * Computes one step of everything that is scheduled.
   *
   * @param fork makes the further samples of a request whose prompt has been computed.
   * @returns the tokens that were chosen.
   */
  step(fork: (generation: Generation) => Generation[]): Advance[] {
    const { spans, copies } = this.#scheduler.schedule();
    if (spans.length === 0) return [];
    const wanted = this.#wantedRows(spans);
    const plan = {
      copies,
      spans: spans.map(({ sequence, numTokens }) => ({
        ids: sequence.tokens.slice(sequence.numComputedTokens, sequence.numComputedTokens + numTokens),
        startPosition: sequence.numComputedTokens,
        blockTable: sequence.blockTable,
      })),
      rows: wanted.map((each) => each.row),
    };
    return this.#ranks.together(plan, () => {
      const hidden = this.#run(plan);
      for (const { sequence, numTokens } of spans) {
        this.#generations.get(sequence)!.begin();
        this.#blocks.commit(sequence, numTokens);
        this.#numTokens += numTokens;
      }
      this.#numSteps++;
      return this.#sample(hidden, wanted, fork);
    });
  }

  #run({ copies, spans }: Plan, observe?: Observer): Float32Array {
    for (const { from, to } of copies) this.#cache.copyBlock(from, to);
    return this.#model.forward(spans, observe);
  }

  #wantedRows(spans: readonly { sequence: Sequence<SamplingParams>; numTokens: number }[]): WantedRow[] {
    const wanted: WantedRow[] = [];
    let row = 0;
    for (const { sequence, numTokens } of spans) {
      const generation = this.#generations.get(sequence)!;
      const first = sequence.numComputedTokens;
      for (let position = first; position < first + numTokens; position++, row++) {
        const isLast = position === sequence.numTokens - 1;
        const isPrompt =
          position < sequence.numPromptTokens - 1 && sequence.request.promptLogprobs !== undefined;
        if (isLast || isPrompt) wanted.push({ row, generation, position });
      }
    }
    return wanted;
  }

  #sample(
    hidden: Float32Array,
    wanted: WantedRow[],
    fork: (generation: Generation) => Generation[],
  ): Advance[] {
    const advances: Advance[] = [];
    const { vocabSize } = this.#model.config;
    for (let begin = 0; begin < wanted.length; begin += HEAD_ROWS) {
      const some = wanted.slice(begin, begin + HEAD_ROWS);
      const rows = this.#model.logits(
        hidden,
        some.map(({ row }) => row),
      );
      for (const [i, { generation, position }] of some.entries()) {
        const logits = rows.subarray(i * vocabSize, (i + 1) * vocabSize);
        if (position < generation.sequence.numPromptTokens - 1) generation.seePrompt(position, logits);
        else
          for (const each of this.#samples(generation, fork))
            advances.push({ generation: each, event: each.choose(logits) });
      }
    }
    return advances;
  }

  /** A generation and, at the end of its prompt, the request's further samples, which share what is computed. */
  #samples(generation: Generation, fork: (generation: Generation) => Generation[]): Generation[] {
    if (generation.sample > 0 || generation.sequence.numNewTokens > 0) return [generation];
    const others = fork(generation);
    this.#scheduler.fork(
      generation.sequence,
      others.map(({ sequence }) => sequence),
    );
    for (const other of others) this.#generations.set(other.sequence, other);
    return [generation, ...others];
  }

  /**
   * The logits and hidden states of a prompt by itself, computed in one go.
   *
   * @throws PromptError if the cache has too few free blocks.
   */
  forward(
    ids: readonly number[],
    positions: readonly number[],
    { hidden, observe }: ForwardOptions,
  ): ForwardResult {
    const { config } = this.#model;
    const logits = new Float32Array(positions.length * config.vocabSize);
    const states = hidden ? new HiddenStates(config, ids.length) : undefined;
    const report: Observer = (stage, values) => {
      states?.add(stage, values);
      observe?.(stage, values);
    };
    const sequence = new Sequence(-1, {}, ids);
    try {
      let written = 0;
      for (let first = 0; first < ids.length; first += this.#prefillChunk) {
        const chunk = ids.slice(first, first + this.#prefillChunk);
        this.#growOrThrow(sequence, chunk.length);
        const span = { ids: chunk, startPosition: first, blockTable: sequence.blockTable };
        const wanted = positions.flatMap((p) => (p >= first && p < first + chunk.length ? [p - first] : []));
        const plan = { copies: [], spans: [span], rows: wanted };
        this.#ranks.together(plan, () => {
          const rows = this.#run(plan, report);
          for (let i = 0; i < wanted.length; i += HEAD_ROWS) {
            const some = wanted.slice(i, i + HEAD_ROWS);
            logits.set(this.#model.logits(rows, some), written * config.vocabSize);
            written += some.length;
          }
        });
        this.#blocks.commit(sequence, chunk.length);
      }
    } finally {
      this.#blocks.free(sequence);
    }
    return { logits, hidden: states?.values };
  }

  #growOrThrow(sequence: Sequence, numTokens: number): void {
    if (this.#blocks.grow(sequence, numTokens)) return;
    const free = this.#blocks.stats().free + sequence.blockTable.length;
    throw new PromptError(
      `the prompt has ${sequence.numTokens} tokens; the cache has ${free * this.#blocks.blockSize} positions left: ` +
        'raise cacheTokens, or wait until others have ended',
    );
  }

  stats(): EngineStats {
    const { free, cached, evictions, copies, queries, hits, savedTokens } = this.#blocks.stats();
    return {
      steps: this.#numSteps,
      tokens: this.#numTokens,
      running: this.#scheduler.numRunning,
      waiting: this.#scheduler.numWaiting,
      preemptions: this.#scheduler.numPreemptions,
      blocks: { total: this.#blocks.numBlocks, free, cached, evictions, copies },
      prefixCache: { queries, hits, savedTokens },
    };
  }
}
