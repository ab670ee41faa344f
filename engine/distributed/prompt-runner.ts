import { NonFiniteError, PromptError } from '../errors.ts';
import { HiddenStates } from '../model/hidden-states.ts';
import { NonFiniteFinder } from '../model/non-finite.ts';
import type { BlockManager } from '../serving/block-manager.ts';
import type { CompleteForwardOptions } from '../serving/forward-options.ts';
import type { ForwardResult } from '../serving/requests.ts';
import { Sequence } from '../serving/sequence.ts';
import type { Leader } from './leader.ts';
import type { RankModel, RowLogits } from './rank-model.ts';

interface PromptRunnerOptions {
  rankModel: RankModel;
  leader: Leader;
  blocks: BlockManager;
  /** The most tokens in a step. */
  prefillChunk: number;
}

/** A forward pass of a prompt. */
interface PassOptions {
  /** The positions whose logits are computed, ascending. */
  positions: readonly number[];
  /** Called for each of the positions. */
  onLogits?: (row: RowLogits) => void;
  /** Called with each stage, and with the positions of the chunk and its first. */
  observe: (stage: string, values: Float32Array, rows: number, startPosition: number) => void;
}

/** Computes prompts in steps of their own, without the scheduler. */
export class PromptRunner {
  readonly #rankModel: RankModel;
  readonly #leader: Leader;
  readonly #blocks: BlockManager;
  readonly #prefillChunk: number;

  constructor({ rankModel, leader, blocks, prefillChunk }: PromptRunnerOptions) {
    this.#rankModel = rankModel;
    this.#leader = leader;
    this.#blocks = blocks;
    this.#prefillChunk = prefillChunk;
  }

  /**
   * Computes the logits and hidden states of a prompt, in steps of its own.
   *
   * @throws PromptError if the cache has too few free blocks; NonFiniteError if the logits have NaN or
   * infinity; what the observer throws.
   */
  forward(ids: readonly number[], options: CompleteForwardOptions): ForwardResult {
    const { config } = this.#rankModel.model;
    const { positions, observe } = options;
    const logits = new Float32Array(positions.length * config.vocabSize);
    const hidden = options.hidden ? new HiddenStates(config, ids.length) : undefined;
    let numRows = 0;
    let nonFiniteAt: number | undefined;
    this.#pass(ids, {
      positions,
      onLogits(row) {
        if (row.argmax < 0) nonFiniteAt ??= positions[numRows];
        logits.set(row.logits, numRows++ * config.vocabSize);
      },
      observe(stage, values) {
        hidden?.add(stage, values);
        observe?.(stage, values);
      },
    });
    if (nonFiniteAt !== undefined) throw this.nonFiniteError(ids.slice(0, nonFiniteAt + 1));
    return { logits, hidden: hidden?.values };
  }

  /**
   * The error of a request whose logits have NaN or infinity: computes it once more, to name the first stage.
   *
   * @param ids up to the position of the logits.
   */
  nonFiniteError(ids: readonly number[]): NonFiniteError {
    const finder = new NonFiniteFinder();
    this.#pass(ids, { positions: [], observe: (...stage) => finder.add(...stage) });
    const { stage, position } = finder.place ?? { stage: 'the logits', position: ids.length - 1 };
    return new NonFiniteError(
      `the logits at position ${ids.length - 1} have NaN or infinity; the first are in ${stage}, at position ` +
        `${position}: compare the weights and config.json with those that were published`,
    );
  }

  /** Computes a prompt in chunks, in blocks of its own. @throws what the observer throws. */
  #pass(ids: readonly number[], { positions, onLogits, observe }: PassOptions): void {
    const sequence = new Sequence(-1, {}, ids);
    let thrown: { error: unknown } | undefined;
    try {
      for (let first = 0; first < ids.length && !thrown; first += this.#prefillChunk) {
        const chunk = ids.slice(first, first + this.#prefillChunk);
        this.#growOrThrow(sequence, chunk.length);
        const span = { ids: chunk, startPosition: first, blockTable: sequence.blockTable };
        const logitsRows = positions.map((p) => p - first).filter((row) => row >= 0 && row < chunk.length);
        const plan = { copies: [], spans: [span], logitsRows };
        this.#leader.runOnAllRanks(plan, () => {
          const states = this.#rankModel.forward(plan, (stage, values) => {
            if (thrown) return;
            try {
              observe(stage, values, chunk.length, first);
            } catch (error) {
              // Thrown after the step: the other ranks compute it to its end.
              thrown = { error };
            }
          });
          this.#rankModel.logits(states, plan, onLogits);
        });
        this.#blocks.commit(sequence, chunk.length);
      }
    } finally {
      this.#blocks.free(sequence);
    }
    if (thrown) throw thrown.error;
  }

  #growOrThrow(sequence: Sequence, numTokens: number): void {
    if (this.#blocks.grow(sequence, numTokens)) return;
    const free = this.#blocks.stats().free + sequence.blockTable.length;
    throw new PromptError(
      `the prompt has ${sequence.numTokens} tokens; the cache has ${free * this.#blocks.blockSize} free positions: ` +
        'raise cacheTokens, or wait until other requests have ended',
    );
  }
}
