import type { ModelConfig } from '../config.ts';
import { type Kernels, scoresLength } from '../kernels/kernels.ts';
import type { KvCache } from './kv-cache.ts';
import { RopeTable } from './rope.ts';
import { Shard } from './shard.ts';

/** Consecutive tokens of one sequence, to be computed in one step. */
export interface Span {
  readonly ids: ArrayLike<number>;
  /** Absolute position of the first id; all positions before it are in the cache. */
  readonly startPosition: number;
  /** The sequence's blocks in the cache, reaching over the span's last position. */
  readonly blockTable: ArrayLike<number>;
}

/** Is told what a stage of the forward pass computed: f32 [rows, …]; the array is only lent. */
export type Observer = (stage: string, values: Float32Array) => void;

/** What the layers of a forward pass share: the rows of this step, and the buffers they work in. */
export class Step {
  readonly kernels: Kernels;
  /** Its widths are those of this rank. */
  readonly config: ModelConfig;
  readonly shard: Shard;
  readonly maxRows: number;
  readonly cache: KvCache;
  spans: readonly Span[] = [];
  rows = 0;
  observe: Observer | undefined;
  /** The residual stream, f32 [rows, hiddenSize]. */
  readonly x: Float32Array;
  /** What a block adds to the stream, f32 [rows, hiddenSize]. */
  readonly y: Float32Array;
  /** The normed stream, f32 [rows, hiddenSize]. */
  readonly normed: Float32Array;
  /** f32 [rows, numAttentionHeads, headDim] */
  readonly q: Float32Array;
  readonly attended: Float32Array;
  /** f32 [rows, numKeyValueHeads, headDim] */
  readonly k: Float32Array;
  readonly v: Float32Array;
  /** f32 [rows, headDim / 2] */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  /** What attention over the whole cache needs. */
  readonly scores: Float32Array;
  /** The kernels' copy of a span's block table, i32 [blocks of the cache]. */
  readonly blockTable: Int32Array;
  /** f32 [rows, the widest intermediate size] */
  readonly gate: Float32Array;
  readonly up: Float32Array;
  readonly #rope: RopeTable;

  constructor(
    kernels: Kernels,
    wholeConfig: ModelConfig,
    cache: KvCache,
    maxRows: number,
    shard: Shard = new Shard(),
  ) {
    const config = shard.widths(wholeConfig);
    this.kernels = kernels;
    this.config = config;
    this.shard = shard;
    this.cache = cache;
    this.maxRows = maxRows;
    this.#rope = new RopeTable(config);
    const { hiddenSize, headDim, numAttentionHeads, numKeyValueHeads } = config;
    const widest = Math.max(config.intermediateSize, config.moe?.moeIntermediateSize ?? 0);
    const rowsOf = (width: number) => kernels.allocate(maxRows * width);
    this.x = rowsOf(hiddenSize);
    this.y = rowsOf(hiddenSize);
    this.normed = rowsOf(hiddenSize);
    this.q = rowsOf(numAttentionHeads * headDim);
    this.attended = rowsOf(numAttentionHeads * headDim);
    this.k = rowsOf(numKeyValueHeads * headDim);
    this.v = rowsOf(numKeyValueHeads * headDim);
    this.cos = rowsOf(headDim / 2);
    this.sin = rowsOf(headDim / 2);
    this.scores = kernels.allocate(scoresLength(kernels.threads, cache.numBlocks * cache.blockSize));
    this.blockTable = kernels.allocateInt32(cache.numBlocks);
    this.gate = rowsOf(widest);
    this.up = rowsOf(widest);
  }

  /** Begins a step: counts its rows and looks up their rotations. @throws RangeError if it has more than `maxRows`. */
  begin(spans: readonly Span[], observe?: Observer): void {
    const tokens = spans.reduce((sum, { ids }) => sum + ids.length, 0);
    if (tokens > this.maxRows) {
      throw new RangeError(`a step of ${tokens} tokens; this one has room for ${this.maxRows}`);
    }
    this.spans = spans;
    this.observe = observe;
    this.rows = 0;
    for (const { ids, startPosition } of spans) {
      this.#rope.write(startPosition, ids.length, this.rows, this.cos, this.sin);
      this.rows += ids.length;
    }
  }

  /** Tells the observer, if there is one. @param width values per row. */
  report(stage: string, values: Float32Array, width: number): void {
    this.observe?.(stage, values.subarray(0, this.rows * width));
  }
}
