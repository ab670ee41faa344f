import type { ModelConfig } from '../config.ts';
import { LEAVES } from '../kernels/numerics.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import { singleProcessGroup } from '../parallel/single-process-group.ts';

/** Over how many ranks a model is spread. The group has `max(tp, ep)` of them. */
export interface Parallelism {
  /** Tensor parallelism: ranks that share heads, the columns of the MLP, and the vocabulary. */
  readonly tp: number;
  /** Expert parallelism: ranks that share the experts; with 1, tensor parallelism cuts each of them into columns. */
  readonly ep: number;
}

/** Adjacent things that a rank has. */
export interface Range {
  readonly first: number;
  readonly count: number;
}

/** What a rank has of a matrix [outputs, inputs]. */
export interface MatrixPart {
  readonly outputs: Range;
  readonly inputs: Range;
  /** Of a matmul's sum over the inputs, see `PackedMatrix`. */
  readonly leaves: number;
}

/** Matrices that are cut along their outputs, and those cut along their inputs, whose products are then summed up. */
const BY_OUTPUTS =
  /\.(q_proj|k_proj|v_proj|gate_proj|up_proj|embed_tokens|lm_head)\.weight$|^lm_head\.weight$/;
const BY_INPUTS = /\.(o_proj|down_proj)\.weight$/;
const EXPERT = /\.experts\.(\d+)\./;

/** What a rank has of a model, and how the ranks put together what each has computed. One process has all of it. */
export class Shard {
  readonly group: ProcessGroup;
  readonly tp: number;
  readonly ep: number;
  readonly #numExperts: number;
  #outgoing = new Float32Array(0);

  /** @param numExperts of the model, all of them; of no matter unless they are shared out. */
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

  /** The widths that this rank computes with; the vocabulary stays whole. */
  widths(config: ModelConfig): ModelConfig {
    const { tp, ep } = this;
    // Rounded up: a width that does not divide belongs to layers that this model has none of.
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

  /** The experts this rank has, or has its columns of. */
  experts(numExperts: number): Range {
    const count = numExperts / this.ep;
    return { first: this.ep > 1 ? this.group.rank * count : 0, count };
  }

  /** What this rank has of a matrix [outputs, inputs]; undefined if nothing. @param name HuggingFace's */
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

  /** Completes products with a matrix that is cut along its inputs: adds up those of all ranks, in the order of the leaves. */
  sum(products: Float32Array, length: number): void {
    if (this.tp > 1) this.group.allReduce(products.subarray(0, length));
  }

  /**
   * Completes the outputs of experts.
   *
   * @param outputs of expert 0, 1, …, one after the other; from this rank those of its experts.
   * @param lengths [numExperts] values of each.
   */
  joinExperts(outputs: Float32Array, lengths: readonly number[]): void {
    if (this.ep === 1) {
      this.sum(outputs, total(lengths));
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
   * Gives every rank the values of all.
   *
   * @param mine the values of this rank; may lie in `all`.
   * @param lengths [ranks] values of each.
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
