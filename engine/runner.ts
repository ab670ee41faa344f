import { Leader } from './distributed/leader.ts';
import { PromptRunner } from './distributed/prompt-runner.ts';
import type { RankModel, RowLogits } from './distributed/rank-model.ts';
import type { NonFiniteError } from './errors.ts';
import type { ScheduleOptions } from './options.ts';
import { BlockManager } from './serving/block-manager.ts';
import type { CompleteForwardOptions } from './serving/forward-options.ts';
import type { Generation } from './serving/generation.ts';
import type { DraftCounts } from './serving/prompt-lookup.ts';
import type { EngineStats, ForwardResult, TokenEvent } from './serving/requests.ts';
import type { SamplingParams } from './serving/sampling-params.ts';
import { type ScheduledStep, Scheduler } from './serving/scheduler.ts';
import type { Sequence } from './serving/sequence.ts';

/** What a step gives for one generation. */
export interface StepOutput {
  generation: Generation;
  /** The sampled tokens; several if a draft was right, none if the request has `maxNewTokens` 0. */
  events: TokenEvent[];
  /** After these tokens. */
  failure?: RequestFailure;
}

/**
 * Why a request cannot go on, while the others can: what its tokenizer or its signal has thrown, or the
 * position whose logits have NaN or infinity.
 */
export type RequestFailure = { readonly thrown: unknown } | { readonly nonFiniteAt: number };

/** A row of a step whose logits are computed. */
interface LogitsRow {
  row: number;
  generation: Generation;
  position: number;
  /** The token that the row is computed from, if it is a draft. */
  draft: number | undefined;
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
  readonly #prompts: PromptRunner;
  readonly #drafts: DraftCounts = { drafted: 0, accepted: 0 };
  #numSteps = 0;
  #numTokens = 0;

  constructor(rankModel: RankModel, options: ScheduleOptions, leader: Leader = new Leader()) {
    this.#rankModel = rankModel;
    this.#leader = leader;
    const { numBlocks, blockSize } = rankModel.cache;
    this.#blocks = new BlockManager({ numBlocks, blockSize, prefixCaching: options.prefixCaching });
    this.#scheduler = new Scheduler(options, this.#blocks);
    const prefillChunk = Math.min(options.prefillChunkAlone, options.maxBatchTokens);
    this.#prompts = new PromptRunner({ rankModel, leader, blocks: this.#blocks, prefillChunk });
  }

  /** Positions of the whole cache, in full blocks. */
  get cacheTokens(): number {
    return this.#blocks.numBlocks * this.#blocks.blockSize;
  }

  /** Whether a step is computed: a call from inside it would overwrite its working memory. */
  get isComputing(): boolean {
    return this.#leader.isComputing;
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
    const scheduled = this.#scheduler.schedule((sequence, most) =>
      this.#generations.get(sequence)!.draft(most),
    );
    const { spans, copies } = scheduled;
    if (spans.length === 0) return [];
    const logitsRows = this.#logitsRows(scheduled);
    const plan = {
      copies,
      spans: spans.map(({ sequence, numTokens, draft }) => ({
        ids: [
          ...sequence.tokens.slice(sequence.numComputedTokens, sequence.numComputedTokens + numTokens),
          ...draft,
        ],
        startPosition: sequence.numComputedTokens,
        blockTable: sequence.blockTable,
      })),
      logitsRows: logitsRows.map(({ row }) => row),
    };
    const outputs = new Map<Generation, StepOutput>();
    this.#leader.runOnAllRanks(plan, () => {
      const hidden = this.#rankModel.forward(plan);
      this.#commit(scheduled);
      this.#rankModel.logits(hidden, plan, (row, i) => {
        const before = outputs.get(logitsRows[i].generation);
        if (before?.failure || !this.#accept(logitsRows[i])) return;
        for (const output of this.#sample(logitsRows[i], row, fork)) {
          outputs.set(output.generation, before ? followedBy(before, output) : output);
        }
      });
      for (const { sequence, draft } of spans) if (draft.length > 0) this.#blocks.trim(sequence);
    });
    return [...outputs.values()];
  }

  /**
   * The rows whose logits are needed: the last of each sequence, those of drafts, and those of prompts with
   * `promptLogprobs`.
   */
  #logitsRows({ spans }: EngineStep): LogitsRow[] {
    const rows: LogitsRow[] = [];
    let row = 0;
    for (const { sequence, numTokens, draft } of spans) {
      const generation = this.#generations.get(sequence)!;
      const first = sequence.numComputedTokens;
      for (let position = first; position < first + numTokens; position++, row++) {
        const isLast = position === sequence.numTokens - 1;
        const isPrompt =
          position < sequence.numPromptTokens - 1 && sequence.request.promptLogprobs !== undefined;
        if (isLast || isPrompt) rows.push({ row, generation, position, draft: undefined });
      }
      for (const [i, token] of draft.entries()) {
        rows.push({ row: row++, generation, position: sequence.numTokens + i, draft: token });
      }
    }
    return rows;
  }

  /** Counts the tokens of the sequences as computed. Drafts are not theirs yet. */
  #commit({ spans }: EngineStep): void {
    for (const { sequence, numTokens, draft } of spans) {
      this.#generations.get(sequence)!.begin();
      this.#blocks.commit(sequence, numTokens);
      this.#numTokens += numTokens + draft.length;
    }
    this.#numSteps++;
  }

  /**
   * Makes the row of a draft token one of its sequence's, if that is the token that the sequence has chosen.
   *
   * @returns whether the row's logits are those of the sequence.
   */
  #accept({ generation, position, draft }: LogitsRow): boolean {
    if (draft === undefined) return true;
    const { sequence, finishReason } = generation;
    const isAccepted = sequence.tokens[position] === draft && finishReason === undefined;
    generation.recordDraft(isAccepted);
    this.#drafts.drafted++;
    if (!isAccepted) return false;
    this.#drafts.accepted++;
    this.#blocks.commit(sequence, 1);
    return true;
  }

  #sample({ generation, position }: LogitsRow, { logits, argmax }: RowLogits, fork: Fork): StepOutput[] {
    if (argmax < 0) return [{ generation, events: [], failure: { nonFiniteAt: position } }];
    if (position < generation.sequence.numPromptTokens - 1) {
      generation.addPromptLogprobs(position, logits);
      return [];
    }
    try {
      return this.#samples(generation, fork).map((each) => ({
        generation: each,
        events: [each.sampleToken(logits, argmax)].filter((event) => event !== undefined),
      }));
    } catch (thrown) {
      return [{ generation, events: [], failure: { thrown } }];
    }
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

  /** See {@link PromptRunner.nonFiniteError}. */
  nonFiniteError(ids: readonly number[]): NonFiniteError {
    return this.#prompts.nonFiniteError(ids);
  }

  /** Computes the logits and hidden states of a prompt, see {@link PromptRunner.forward}. */
  forward(ids: readonly number[], options: CompleteForwardOptions): ForwardResult {
    return this.#prompts.forward(ids, options);
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
      promptLookup: { ...this.#drafts },
    };
  }
}

/** What one generation gets of two rows of a step. */
function followedBy(before: StepOutput, { generation, events, failure }: StepOutput): StepOutput {
  return { generation, events: [...before.events, ...events], failure };
}
