import { setImmediate } from 'node:timers/promises';
import { createWasmKernels, Engine, readModelConfig } from '../../engine/index.ts';
import { type Taps, tapKernels } from './tapped-kernels.ts';

/** A sequence and the positions whose rows are wanted, ascending. */
export interface RowsCase {
  readonly id: string;
  /** A prompt, then the tokens that were chosen after it. */
  readonly ids: readonly number[];
  readonly promptLength: number;
  readonly positions: readonly number[];
}

/** By case, then by position. */
export type Rows<T> = ReadonlyMap<string, readonly T[]>;

/** Takes what is wanted of a row. @param logits f32 [vocabSize], only lent @param index of the position */
export type TakeRow<T> = (logits: Float32Array, rowsCase: RowsCase, index: number) => T;

export interface RowsOptions {
  /** What stands in for calls of the kernels. Default: nothing, and the rows are the engine's own. */
  readonly taps?: Taps;
  /** Threads of the kernels. Default 1. */
  readonly threads?: number;
  /** Ends the computation between two cases. */
  readonly signal?: AbortSignal;
  /** Called with the case that is computed next. */
  readonly onCase?: (next: RowsCase) => void;
}

/**
 * Rows of logits by our engine, each case in one step of its own.
 *
 * @param modelDir a model directory in HuggingFace's layout.
 * @throws what `Engine.load` and `Engine.forward` throw; the reason of `signal` if it is aborted.
 */
export async function computeRows<T>(
  modelDir: string,
  cases: readonly RowsCase[],
  take: TakeRow<T>,
  { taps, threads = 1, signal, onCase }: RowsOptions = {},
): Promise<Rows<T>> {
  const longest = cases.reduce((max, { ids }) => Math.max(max, ids.length), 1);
  const kernels = await createWasmKernels({ threads });
  const engine = await Engine.load(modelDir, {
    kernels: taps ? tapKernels(kernels, await readModelConfig(modelDir), taps) : kernels,
    cacheTokens: longest,
    maxBatchTokens: longest,
    prefillChunk: longest,
    prefixCaching: false,
  });
  try {
    const rows = new Map<string, T[]>();
    for (const next of cases) {
      // Computation blocks the event loop: signals arrive between two cases.
      await setImmediate();
      signal?.throwIfAborted();
      const { id, ids, positions } = next;
      onCase?.(next);
      const { logits } = engine.forward(ids, { positions });
      const width = logits.length / positions.length;
      const rowAt = (i: number) => logits.subarray(i * width, (i + 1) * width);
      rows.set(
        id,
        positions.map((_, i) => take(rowAt(i), next, i)),
      );
    }
    return rows;
  } finally {
    await engine.close();
  }
}
