import type { ModelConfig } from '../config.ts';
import { type AttentionSequence, type Kernels, scoresLength, tablesLength } from '../kernels/kernels.ts';
import type { Observer } from '../options.ts';
import type { KvCache } from './kv-cache.ts';
import { RopeTable } from './rope.ts';
import { Shard } from './shard.ts';

/** Consecutive tokens of one sequence, computed in one step. */
export interface Span {
  readonly ids: ArrayLike<number>;
  /** Absolute position of the first id; keys and values of all positions before it are in the cache. */
  readonly startPosition: number;
  /** The sequence's blocks in the cache, up to the span's last position at least. */
  readonly blockTable: ArrayLike<number>;
}

/** Spans of a step that one call of attention takes. */
export interface SpanGroup {
  readonly sequences: readonly AttentionSequence[];
  /** The step's rows of the first and after the last span. */
  readonly begin: number;
  readonly end: number;
}

/** What a step works with. */
export interface StepOptions {
  readonly kernels: Kernels;
  /** The model's widths, before it is sharded. */
  readonly config: ModelConfig;
  /** Keys and values of this rank's heads. */
  readonly cache: KvCache;
  /** The most tokens of one step. */
  readonly maxRows: number;
  /** This rank's part of the model. Default: all of it. */
  readonly shard?: Shard;
}

/** What the layers of a forward pass share: the rows of this step, and the buffers they work in. */
export class Step {
  readonly kernels: Kernels;
  /** With the widths of this rank. */
  readonly config: ModelConfig;
  readonly shard: Shard;
  readonly maxRows: number;
  readonly cache: KvCache;
  spans: readonly Span[] = [];
  /** The spans, as many in a group as there is room for their block tables. */
  groups: readonly SpanGroup[] = [];
  rows = 0;
  observe: Observer | undefined;
  /** The residual stream, f32 [rows, hiddenSize]. */
  readonly x: Float32Array;
  /** The output of attention or MLP, which is added to the stream, f32 [rows, hiddenSize]. */
  readonly y: Float32Array;
  /** The normed stream, f32 [rows, hiddenSize]. */
  readonly normed: Float32Array;
  // An MLP's buffers lie over those of attention, which is done when the MLP begins.
  /** f32 [rows, numAttentionHeads, headDim] */
  readonly q: Float32Array;
  readonly attended: Float32Array;
  /** f32 [rows, numKeyValueHeads, headDim] */
  readonly k: Float32Array;
  readonly v: Float32Array;
  /** f32 [rows, the widest intermediate size] */
  readonly gate: Float32Array;
  readonly up: Float32Array;
  /** f32 [rows, headDim / 2] */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  /** Room for the attention scores of one row over the whole cache, for each thread; see `scoresLength`. */
  readonly scores: Float32Array;
  /** The place of each row in the cache, i32 [rows]; see `StoreKeyValueArgs`. */
  readonly slots: Int32Array;
  /** Room for the block tables of the spans that a call of attention takes, see `tablesLength`. */
  readonly tables: Int32Array;
  readonly #rope: RopeTable;

  constructor({ kernels, config: wholeConfig, cache, maxRows, shard = new Shard() }: StepOptions) {
    const config = shard.widths(wholeConfig);
    this.kernels = kernels;
    this.config = config;
    this.shard = shard;
    this.cache = cache;
    this.maxRows = maxRows;
    this.#rope = new RopeTable(config);
    const { hiddenSize, headDim } = config;
    const rowsOf = (width: number) => kernels.allocate(maxRows * width);
    this.x = rowsOf(hiddenSize);
    this.y = rowsOf(hiddenSize);
    this.normed = rowsOf(hiddenSize);
    const shared = rowsOf(sharedWidth(config));
    [this.q, this.attended, this.k, this.v] = divide(shared, maxRows, attentionWidths(config));
    [this.gate, this.up] = divide(shared, maxRows, mlpWidths(config));
    this.cos = rowsOf(headDim / 2);
    this.sin = rowsOf(headDim / 2);
    this.scores = kernels.allocate(scoresLength(kernels.threads, cache.numBlocks * cache.blockSize));
    this.slots = kernels.allocateInt32(maxRows);
    this.tables = kernels.allocateInt32(tablesLength(maxRows, cache.numBlocks));
  }

  /**
   * Begins a step: counts its rows, copies their rotations, and groups its spans for attention.
   *
   * @throws RangeError, and nothing is changed, if it has more than `maxRows`, or a span too few blocks.
   */
  begin(spans: readonly Span[], observe?: Observer): void {
    const { cos, sin } = this;
    const tokens = spans.reduce((sum, { ids }) => sum + ids.length, 0);
    if (tokens > this.maxRows) {
      throw new RangeError(`a step has ${tokens} tokens; expected at most ${this.maxRows}`);
    }
    for (const span of spans) this.#checkBlocks(span);
    this.spans = spans;
    this.observe = observe;
    this.rows = 0;
    for (const span of spans) {
      const count = span.ids.length;
      this.#rope.write({ startPosition: span.startPosition, count, row: this.rows, cos, sin });
      this.#writeSlots(span);
      this.rows += count;
    }
    this.groups = this.#groupSpans();
  }

  #groupSpans(): SpanGroup[] {
    const groups: { sequences: AttentionSequence[]; begin: number; end: number }[] = [];
    let blocks = 0;
    let end = 0;
    for (const { ids, startPosition, blockTable } of this.spans) {
      let group = groups.at(-1);
      blocks += blockTable.length;
      if (!group || tablesLength(group.sequences.length + 1, blocks) > this.tables.length) {
        group = { sequences: [], begin: end, end };
        groups.push(group);
        blocks = blockTable.length;
      }
      end += ids.length;
      group.sequences.push({ rows: ids.length, startPosition, blockTable });
      group.end = end;
    }
    return groups;
  }

  #checkBlocks({ ids, startPosition, blockTable }: Span): void {
    const positions = startPosition + ids.length;
    const needed = Math.ceil(positions / this.cache.blockSize);
    if (blockTable.length >= needed) return;
    throw new RangeError(
      `a span up to position ${positions - 1} has ${blockTable.length} blocks; expected at least ${needed}`,
    );
  }

  #writeSlots({ ids, startPosition, blockTable }: Span): void {
    const { blockSize } = this.cache;
    for (let i = 0; i < ids.length; i++) {
      const position = startPosition + i;
      const block = blockTable[Math.floor(position / blockSize)];
      this.slots[this.rows + i] = block * blockSize + (position % blockSize);
    }
  }

  /** Calls the observer, if there is one. @param width values per row. */
  report(stage: string, values: Float32Array, width: number): void {
    this.observe?.(stage, values.subarray(0, this.rows * width));
  }
}

/** Bytes of the buffers of a {@link Step}, for each of its rows. */
export function stepBytesPerRow(config: ModelConfig): number {
  const { hiddenSize, headDim } = config;
  return (3 * hiddenSize + headDim + sharedWidth(config)) * Float32Array.BYTES_PER_ELEMENT;
}

/** Of a row of the buffer that attention and MLP share. */
function sharedWidth(config: ModelConfig): number {
  return Math.max(sum(attentionWidths(config)), sum(mlpWidths(config)));
}

/** Of a row of q, attended, k and v. */
function attentionWidths({ numAttentionHeads, numKeyValueHeads, headDim }: ModelConfig): number[] {
  const heads = [numAttentionHeads, numAttentionHeads, numKeyValueHeads, numKeyValueHeads];
  return heads.map((count) => count * headDim);
}

/** Of a row of gate and up. */
function mlpWidths({ intermediateSize, moe }: ModelConfig): number[] {
  const widest = Math.max(intermediateSize, moe?.moeIntermediateSize ?? 0);
  return [widest, widest];
}

/** Consecutive parts of a buffer, f32 [rows, width] for each of the widths. */
function divide(buffer: Float32Array, rows: number, widths: readonly number[]): Float32Array[] {
  let end = 0;
  return widths.map((width) => {
    const begin = end;
    end += rows * width;
    return buffer.subarray(begin, end);
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
