import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import {
  createWasmKernels,
  Engine,
  type Kernels,
  type ModelConfig,
  readModelConfig,
} from '../../engine/index.ts';
import { MatrixRows } from './matrix-rows.ts';
import type { Rows, RowsCase, TakeRow, WantedScores } from './rows.ts';
import { type TappedKernels, type Taps, tapKernels } from './tapped-kernels.ts';

/** Rows of the whole vocabulary that are computed at once. */
const HEAD_ROWS = 8;
/** Weights of an MLP's matrix from which on more threads than one are faster. */
const LARGE_MATRIX = 2 ** 20;

export interface TappedModelOptions {
  /** Changes weights while they are loaded. Default: they are the checkpoint's. */
  readonly weights?: Taps['weights'];
  /** Threads of the kernels. Default: those of the machine if the model's matrices are large, or else 1. */
  readonly threads?: number;
}

/** One pass over all cases. */
export interface Pass {
  /**
   * What stands in for calls of the kernels; `weights` must be those that the model was loaded with.
   * Default: nothing.
   */
  readonly taps?: Taps;
  /** The position whose row is taken for a position. Default: its own. */
  readonly rowOf?: (position: number) => number;
  /** Called with the case that is computed next. */
  readonly onCase?: (next: RowsCase) => void;
  /** Ends the computation between two cases. */
  readonly signal?: AbortSignal;
}

/**
 * Our engine, loaded once for many passes, each with taps of its own. A case is one step; the head is
 * computed for the rows that are asked for.
 */
export class TappedModel {
  readonly config: ModelConfig;
  readonly #engine: Engine;
  /** Without taps, to read from. */
  readonly #inner: Kernels;
  readonly #kernels: TappedKernels;
  readonly #weights: Taps['weights'];
  /** What the kernels look at in each call; exchanged between passes. */
  readonly #taps: Taps;
  /** By the ids that are wanted, then by matrix. */
  readonly #heads = new WeakMap<Int32Array, Map<string, MatrixRows>>();
  readonly #x: Float32Array;

  private constructor(engine: Engine, inner: Kernels, kernels: TappedKernels, taps: Taps) {
    this.config = engine.config;
    this.#engine = engine;
    this.#inner = inner;
    this.#kernels = kernels;
    this.#weights = taps.weights;
    this.#taps = taps;
    this.#x = inner.allocate(HEAD_ROWS * engine.config.hiddenSize);
  }

  /**
   * @param modelDir a model directory in HuggingFace's layout.
   * @param cases those that will be asked for, or longer ones.
   * @throws what `Engine.load` throws.
   */
  static async load(
    modelDir: string,
    cases: readonly RowsCase[],
    { weights, threads }: TappedModelOptions = {},
  ): Promise<TappedModel> {
    const config = await readModelConfig(modelDir);
    const longest = cases.reduce((max, { ids }) => Math.max(max, ids.length), 1);
    const isLarge = config.hiddenSize * config.intermediateSize >= LARGE_MATRIX;
    const inner = await createWasmKernels({ threads: threads ?? (isLarge ? availableParallelism() : 1) });
    const taps: Taps = { weights };
    const kernels = tapKernels(inner, config, taps);
    const engine = await Engine.load(modelDir, {
      kernels,
      cacheTokens: longest,
      maxBatchTokens: longest,
      prefillChunk: longest,
      prefixCaching: false,
    });
    return new TappedModel(engine, inner, kernels, taps);
  }

  /** Rows over the whole vocabulary. @throws what `Engine.forward` throws, or the reason of `signal` */
  rows<T>(cases: readonly RowsCase[], take: TakeRow<T>, pass: Pass = {}): Promise<Rows<T>> {
    const { hiddenSize, vocabSize } = this.config;
    const logits = this.#inner.allocate(HEAD_ROWS * vocabSize);
    const head = this.#kernels.matrices.get(this.#headName)!;
    return this.#pass(cases, pass, (final, next) =>
      next.positions.map((_, i) => {
        const at = i % HEAD_ROWS;
        if (at === 0) {
          const states = final.subarray(i * hiddenSize, (i + HEAD_ROWS) * hiddenSize);
          this.#x.set(states);
          this.#kernels.matmul(this.#x, states.length / hiddenSize, head, logits);
        }
        return take(logits.subarray(at * vocabSize, (at + 1) * vocabSize), next, i);
      }),
    );
  }

  /**
   * Logits of the wanted ids, the bits that {@link rows} would give.
   *
   * @throws what `Engine.forward` throws, or the reason of `signal`.
   */
  scores({ cases, ids, all }: WantedScores, pass: Pass = {}): Promise<Rows<Float32Array>> {
    return this.#pass(cases, pass, (final, { id, positions }) =>
      positions.map((_, i) => this.#scoresOf(final, i, ids.get(id)![i], all)),
    );
  }

  /**
   * Hidden states at the positions of each case.
   *
   * @param stages names as the engine reports them: `hidden_states.0` …
   * @param take is given f32 [stages, positions, hiddenSize].
   * @throws what `Engine.forward` throws, or the reason of `signal`.
   */
  async states<T>(
    cases: readonly RowsCase[],
    stages: readonly string[],
    take: (states: Float32Array, next: RowsCase) => T,
    pass: Pass = {},
  ): Promise<ReadonlyMap<string, T>> {
    const taken = await this.#pass(cases, pass, (states, next) => [take(states, next)], stages);
    return new Map([...taken].map(([id, [one]]) => [id, one]));
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  /** @param compute is given f32 [stages, positions, hiddenSize] */
  async #pass<T>(
    cases: readonly RowsCase[],
    { taps = {}, rowOf = (position) => position, onCase, signal }: Pass,
    compute: (states: Float32Array, next: RowsCase) => T[],
    stages: readonly string[] = ['hidden_states.final'],
  ): Promise<Rows<T>> {
    if (taps.weights !== this.#weights)
      throw new Error('the model was loaded with other weights than the taps have');
    for (const name of Object.keys(this.#taps) as (keyof Taps)[]) delete this.#taps[name];
    Object.assign(this.#taps, taps);
    const { hiddenSize } = this.config;
    const rows = new Map<string, T[]>();
    for (const next of cases) {
      // Computation blocks the event loop: signals arrive between two cases.
      await setImmediate();
      signal?.throwIfAborted();
      onCase?.(next);
      const count = next.positions.length;
      const states = new Float32Array(stages.length * count * hiddenSize);
      this.#engine.forward(next.ids, {
        positions: [],
        observe(stage, values) {
          const at = stages.indexOf(stage);
          if (at < 0) return;
          for (const [i, position] of next.positions.entries()) {
            const row = rowOf(position);
            const from = values.subarray(row * hiddenSize, (row + 1) * hiddenSize);
            states.set(from, (at * count + i) * hiddenSize);
          }
        },
      });
      rows.set(next.id, compute(states, next));
    }
    return rows;
  }

  #scoresOf(final: Float32Array, index: number, ids: Int32Array, all: Int32Array): Float32Array {
    const { hiddenSize, numHiddenLayers } = this.config;
    const stored = this.#headName;
    const x = final.subarray(index * hiddenSize, (index + 1) * hiddenSize);
    const y = new Float32Array(ids.length);
    const name = 'lm_head.weight';
    const compute = (other = name) => this.#rowsOf(other === name ? stored : other, all).multiply(x, ids, y);
    const matrix = { ...this.#kernels.matrices.get(stored)!, outputs: ids.length };
    const call = { name, stored, layer: numHiddenLayers - 1, x, rows: 1, y, matrix };
    if (this.#taps.matmul) this.#taps.matmul({ ...call, compute });
    else compute();
    return y;
  }

  #rowsOf(name: string, all: Int32Array): MatrixRows {
    const heads = this.#heads.get(all) ?? new Map<string, MatrixRows>();
    this.#heads.set(all, heads);
    const rows = heads.get(name) ?? new MatrixRows(this.#inner, this.#kernels.matrices.get(name)!, all);
    heads.set(name, rows);
    return rows;
  }

  /** A tied head is the embedding. */
  get #headName(): string {
    return this.config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  }
}
