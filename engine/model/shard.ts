import type { ModelConfig } from '../config.ts';
import { LEAVES } from '../kernels/numerics.ts';
import type { ProcessGroup, VectorAdder } from '../parallel/process-group.ts';
import { singleProcessGroup } from '../parallel/single-process-group.ts';

/** The numbers of ranks that share a model. The group has `max(tp, ep)` ranks. */
export interface Parallelism {
  /** Tensor parallelism: ranks that share heads, the columns of the MLP, and the vocabulary. */
  readonly tp: number;
  /**
   * Expert parallelism: ranks that share the experts; with 1, tensor parallelism cuts each of them into
   * columns.
   */
  readonly ep: number;
}

/** A rank's adjacent rows, columns or experts. */
export interface Range {
  readonly first: number;
  readonly count: number;
}

/** A rank's part of a matrix [outputs, inputs]. */
export interface MatrixPart {
  readonly outputs: Range;
  readonly inputs: Range;
  /** Leaves of a matmul's sum over the inputs, see `PackedMatrix`. */
  readonly leaves: number;
}

/**
 * Matrices that are sharded by outputs, and (below) by inputs: the products of the latter are summed over
 * the ranks.
 */
const BY_OUTPUTS =
  /\.(q_proj|k_proj|v_proj|gate_proj|up_proj|embed_tokens|lm_head)\.weight$|^lm_head\.weight$/;
const BY_INPUTS = /\.(o_proj|down_proj)\.weight$/;
const EXPERT = /\.experts\.(\d+)\./;

/**
 * A rank's part of a model, and how the ranks combine what they compute. A single process has the whole
 * model.
 */
export class Shard {
  readonly group: ProcessGroup;
  readonly tp: number;
  readonly ep: number;
  readonly #numExperts: number;
  #outgoing = new Float32Array(0);

  /** @param numExperts of the whole model; used only if `ep` is above 1. */
  constructor(
    group: ProcessGroup = singleProcessGroup(),
    { tp, ep }: Parallelism = { tp: 1, ep: 1 },
    numExperts = 0,
  ) {
    this.#numExperts = numExperts;
    this.group = group;
    this.tp = tp;
    this.ep = ep;
  }

  /** The configuration with this rank's widths; the vocabulary stays whole. */
  widths(config: ModelConfig): ModelConfig {
    const { tp, ep } = this;
    // Rounded up: only a width that no layer of this model uses may not divide.
    const share = (width: number) => Math.ceil(width / tp);
    return {
      ...config,
      numAttentionHeads: config.numAttentionHeads / tp,
      numKeyValueHeads: config.numKeyValueHeads / tp,
      intermediateSize: share(config.intermediateSize),
      moe: config.moe && {
        ...config.moe,
        moeIntermediateSize: ep > 1 ? config.moe.moeIntermediateSize : share(config.moe.moeIntermediateSize),
      },
    };
  }

  /**
   * The experts of this rank. With `ep` 1 these are all experts, of which tensor parallelism shares the
   * columns.
   */
  experts(numExperts: number): Range {
    const count = numExperts / this.ep;
    return { first: this.ep > 1 ? this.group.rank * count : 0, count };
  }

  /** This rank's part of a matrix [outputs, inputs]; undefined if it has none. @param name HuggingFace's */
  partOf(name: string, [outputs, inputs]: readonly number[]): MatrixPart | undefined {
    const whole = { outputs: all(outputs), inputs: all(inputs), leaves: LEAVES };
    const expert = EXPERT.exec(name);
    if (expert && this.ep > 1) {
      const { first, count } = this.experts(this.#numExperts);
      const id = Number(expert[1]);
      return id >= first && id < first + count ? whole : undefined;
    }
    if (BY_OUTPUTS.test(name)) return { ...whole, outputs: this.#tensorRange(outputs) };
    if (BY_INPUTS.test(name))
      return { ...whole, inputs: this.#tensorRange(inputs), leaves: LEAVES / this.tp };
    return whole;
  }

  /**
   * Completes products with a matrix that is sharded by inputs: adds up the ranks' parts, in the order of
   * the leaves.
   *
   * @param adder in whose memory they lie.
   */
  sum(products: Float32Array, length: number, adder: VectorAdder): void {
    if (this.tp > 1) this.group.allReduce(products.subarray(0, length), { adder });
  }

  /**
   * Completes the outputs of experts.
   *
   * @param outputs of experts 0, 1, …, one after the other. This rank has computed the outputs of its
   * experts.
   * @param lengths [numExperts] number of values of each expert.
   * @param adder in whose memory the outputs lie.
   */
  joinExperts(outputs: Float32Array, lengths: readonly number[], adder: VectorAdder): void {
    if (this.ep === 1) {
      this.sum(outputs, total(lengths), adder);
      return;
    }
    const { count } = this.experts(lengths.length);
    const byRank = Array.from({ length: this.ep }, (_, rank) =>
      total(lengths.slice(rank * count, (rank + 1) * count)),
    );
    const begin = total(byRank.slice(0, this.group.rank));
    this.share(outputs.subarray(begin, begin + byRank[this.group.rank]), byRank, outputs);
  }

  /**
   * Gives every rank the values of all ranks.
   *
   * @param mine the values of this rank; may lie in `all`.
   * @param lengths [ranks] number of values of each rank.
   * @param all receives them, rank after rank.
   */
  share(mine: Float32Array, lengths: readonly number[], all: Float32Array): void {
    const { size } = this.group;
    if (this.#outgoing.length < size * mine.length) this.#outgoing = new Float32Array(size * mine.length);
    const outgoing = this.#outgoing.subarray(0, size * mine.length);
    for (let rank = 0; rank < size; rank++) outgoing.set(mine, rank * mine.length);
    const outgoingCounts = new Array<number>(size).fill(mine.length);
    const incoming = all.subarray(0, total(lengths));
    this.group.allToAll({ outgoing, outgoingCounts, incoming, incomingCounts: lengths });
  }

  #tensorRange(size: number): Range {
    const count = size / this.tp;
    return { first: this.tp > 1 ? this.group.rank * count : 0, count };
  }
}

const all = (count: number): Range => ({ first: 0, count });

function total(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}
