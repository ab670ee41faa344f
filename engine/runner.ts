import { Leader } from './distributed/leader.ts';
import type { RankModel } from './distributed/rank-model.ts';
import { PromptError } from './errors.ts';
import { HiddenStates } from './model/hidden-states.ts';
import type { Observer, ScheduleOptions } from './options.ts';
import { BlockManager } from './serving/block-manager.ts';
import type { CompleteForwardOptions } from './serving/forward-options.ts';
import type { Generation } from './serving/generation.ts';
import type { EngineStats, ForwardResult, TokenEvent } from './serving/requests.ts';
import type { SamplingParams } from './serving/sampling-params.ts';
import { type ScheduledStep, Scheduler } from './serving/scheduler.ts';
import { Sequence } from './serving/sequence.ts';

/** What a step gives for one generation. */
export interface StepOutput {
  generation: Generation;
  /** The sampled token; undefined if the request has `maxNewTokens` 0. */
  event: TokenEvent | undefined;
}

/** A row of a step whose logits are computed. */
interface LogitsRow {
  row: number;
  generation: Generation;
  position: number;
}

/** Makes the other samples of a request whose prompt has been computed. */
type Fork = (first: Generation) => Generation[];
type EngineStep = ScheduledStep<Sequence<SamplingParams>>;

/** Computes steps: schedule → copy blocks → forward → commit → sample. */
export class Runner {
  readonly #rankModel: RankModel;
  readonly #leader: Leader;
  readonly #blocks: BlockManager;
  readonly #scheduler: Scheduler<Sequence<SamplingParams>>;
  readonly #generations = new Map<Sequence, Generation>();
  readonly #prefillChunk: number;
  #numSteps = 0;
  #numTokens = 0;

  constructor(rankModel: RankModel, options: ScheduleOptions, leader: Leader = new Leader()) {
    this.#rankModel = rankModel;
    this.#leader = leader;
    const { numBlocks, blockSize } = rankModel.cache;
    this.#blocks = new BlockManager({ numBlocks, blockSize, prefixCaching: options.prefixCaching });
    this.#scheduler = new Scheduler(options, this.#blocks);
    this.#prefillChunk = Math.min(options.prefillChunk, options.maxBatchTokens);
  }

  /** Positions of the whole cache, in full blocks. */
  get cacheTokens(): number {
    return this.#blocks.numBlocks * this.#blocks.blockSize;
  }

  add(generation: Generation): void {
    this.#scheduler.add(generation.sequence);
    this.#generations.set(generation.sequence, generation);
  }

  /** Removes a generation, finished or not, and frees its blocks. */
  remove(generation: Generation): void {
    this.#scheduler.remove(generation.sequence);
    this.#generations.delete(generation.sequence);
  }

  /**
   * Computes one step.
   *
   * @returns the generations that have come to the end of their prompt, or got a token.
   */
  step(fork: Fork): StepOutput[] {
    const scheduled = this.#scheduler.schedule();
    const { spans, copies } = scheduled;
    if (spans.length === 0) return [];
    const logitsRows = this.#logitsRows(scheduled);
    const plan = {
      copies,
      spans: spans.map(({ sequence, numTokens }) => ({
        ids: sequence.tokens.slice(sequence.numComputedTokens, sequence.numComputedTokens + numTokens),
        startPosition: sequence.numComputedTokens,
        blockTable: sequence.blockTable,
      })),
      logitsRows: logitsRows.map(({ row }) => row),
    };
    return this.#leader.runOnAllRanks(plan, () => {
      const hidden = this.#rankModel.forward(plan);
      this.#commit(scheduled);
      const outputs: StepOutput[] = [];
      this.#rankModel.logits(hidden, plan, (logits, i) => {
        outputs.push(...this.#sample(logitsRows[i], logits, fork));
      });
      return outputs;
    });
  }

  /**
   * The rows whose logits are needed: the last of each sequence, and those of prompts with `promptLogprobs`.
   */
  #logitsRows({ spans }: EngineStep): LogitsRow[] {
    const rows: LogitsRow[] = [];
    let row = 0;
    for (const { sequence, numTokens } of spans) {
      const generation = this.#generations.get(sequence)!;
      const first = sequence.numComputedTokens;
      for (let position = first; position < first + numTokens; position++, row++) {
        const isLast = position === sequence.numTokens - 1;
        const isPrompt =
          position < sequence.numPromptTokens - 1 && sequence.request.promptLogprobs !== undefined;
        if (isLast || isPrompt) rows.push({ row, generation, position });
      }
    }
    return rows;
  }

  #commit({ spans }: EngineStep): void {
    for (const { sequence, numTokens } of spans) {
      this.#generations.get(sequence)!.begin();
      this.#blocks.commit(sequence, numTokens);
      this.#numTokens += numTokens;
    }
    this.#numSteps++;
  }

  /** @param logits f32 [vocabSize] of the row, valid only during the call. */
  #sample({ generation, position }: LogitsRow, logits: Float32Array, fork: Fork): StepOutput[] {
    if (position < generation.sequence.numPromptTokens - 1) {
      generation.addPromptLogprobs(position, logits);
      return [];
    }
    return this.#samples(generation, fork).map((each) => ({
      generation: each,
      event: each.sampleToken(logits),
    }));
  }

  /**
   * A generation and, at the end of its prompt, the other samples of its request, which share the prompt's
   * blocks.
   */
  #samples(generation: Generation, fork: Fork): Generation[] {
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
   * Computes the logits and hidden states of a prompt, in steps of its own.
   *
   * @throws PromptError if the cache has too few free blocks.
   */
  forward(ids: readonly number[], options: CompleteForwardOptions): ForwardResult {
    const { config } = this.#rankModel.model;
    const { positions, observe } = options;
    const logits = new Float32Array(positions.length * config.vocabSize);
    const hidden = options.hidden ? new HiddenStates(config, ids.length) : undefined;
    const observeStage: Observer = (stage, values) => {
      hidden?.add(stage, values);
      observe?.(stage, values);
    };
    const sequence = new Sequence(-1, {}, ids);
    let numRows = 0;
    try {
      for (let first = 0; first < ids.length; first += this.#prefillChunk) {
        const chunk = ids.slice(first, first + this.#prefillChunk);
        this.#growOrThrow(sequence, chunk.length);
        const span = { ids: chunk, startPosition: first, blockTable: sequence.blockTable };
        const logitsRows = positions.map((p) => p - first).filter((row) => row >= 0 && row < chunk.length);
        const plan = { copies: [], spans: [span], logitsRows };
        this.#leader.runOnAllRanks(plan, () => {
          const states = this.#rankModel.forward(plan, observeStage);
          this.#rankModel.logits(states, plan, (row) => {
            logits.set(row, numRows++ * config.vocabSize);
          });
        });
        this.#blocks.commit(sequence, chunk.length);
      }
    } finally {
      this.#blocks.free(sequence);
    }
    return { logits, hidden: hidden?.values };
  }

  #growOrThrow(sequence: Sequence, numTokens: number): void {
    if (this.#blocks.grow(sequence, numTokens)) return;
    const free = this.#blocks.stats().free + sequence.blockTable.length;
    throw new PromptError(
      `the prompt has ${sequence.numTokens} tokens; the cache has ${free * this.#blocks.blockSize} free positions: ` +
        'raise cacheTokens, or wait until other requests have ended',
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
