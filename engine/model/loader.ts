import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { WeightDtype } from '../config.ts';
import type { Kernels, PackedMatrix } from '../kernels/kernels.ts';
import { widen } from '../kernels/scalar.ts';
import { bytesPerWeight } from '../kernels/widen.ts';
import type { LoadProgress } from '../options.ts';
import { type MatrixPart, Shard } from './shard.ts';

/** What a {@link WeightLoader} reads, and into what. */
export interface WeightLoaderOptions {
  readonly checkpoint: Checkpoint;
  readonly kernels: Kernels;
  /**
   * The weights that will be read. A checkpoint may hold others, such as an unused head beside tied
   * embeddings.
   */
  readonly names: Iterable<string>;
  readonly onProgress?: LoadProgress;
  /** This rank's part of the model. Default: all of it. */
  readonly shard?: Shard;
}

/**
 * Reads this rank's weights of a checkpoint into the kernels' memory: each weight once, a few rows at a
 * time.
 */
export class WeightLoader {
  readonly shard: Shard;
  readonly #checkpoint: Checkpoint;
  readonly #kernels: Kernels;
  readonly #onProgress: LoadProgress | undefined;
  readonly #total: number;
  readonly #scratch = new Map<string, Float32Array>();
  #buffer = new Uint8Array(0);
  #done = 0;

  /** @throws CheckpointError if one of the names is missing. */
  constructor({ checkpoint, kernels, names, onProgress, shard = new Shard() }: WeightLoaderOptions) {
    this.shard = shard;
    this.#checkpoint = checkpoint;
    this.#kernels = kernels;
    this.#onProgress = onProgress;
    this.#total = 0;
    for (const name of names) this.#total += this.#bytesOf(name);
  }

  /** This rank's part of a weight of two dimensions, [outputs, inputs]. */
  matrix(name: string): PackedMatrix {
    const { file, info } = this.#checkpoint.get(name);
    const part = this.#partOf(name) as MatrixPart;
    const dtype = info.dtype as WeightDtype;
    const [, wholeInputs] = info.shape;
    const { outputs, inputs, leaves } = part;
    const weightBytes = bytesPerWeight(dtype);
    const rowBytes = inputs.count * weightBytes;
    const packed = this.#kernels.pack(
      { outputs: outputs.count, inputs: inputs.count, dtype, leaves },
      (firstRow, numRows) => {
        const rows = this.#rows(numRows * rowBytes);
        const begin = ((outputs.first + firstRow) * wholeInputs + inputs.first) * weightBytes;
        if (inputs.count === wholeInputs) file.readInto(name, begin, rows);
        else {
          for (let row = 0; row < numRows; row++) {
            const target = rows.subarray(row * rowBytes, (row + 1) * rowBytes);
            file.readInto(name, begin + row * wholeInputs * weightBytes, target);
          }
        }
        this.#done += rows.length;
        return rows;
      },
    );
    this.#reportProgress();
    return packed;
  }

  /** A weight of one dimension, widened to f32, which is exact. */
  vector(name: string): Float32Array {
    const { file, info } = this.#checkpoint.get(name);
    const vector = this.#kernels.allocate(info.shape[0]);
    vector.set(widen(info.dtype as WeightDtype, file.read(name)));
    this.#done += info.end - info.begin;
    this.#reportProgress();
    return vector;
  }

  /** Working memory, shared by all layers that use the same name. */
  scratch(name: string, length: number): Float32Array {
    const scratch = this.#scratch.get(name) ?? this.#kernels.allocate(length);
    this.#scratch.set(name, scratch);
    return scratch;
  }

  /** One buffer for all reads: a new one for each would pile up faster than garbage is collected. */
  #rows(bytes: number): Uint8Array {
    if (this.#buffer.length < bytes) this.#buffer = new Uint8Array(bytes);
    return this.#buffer.subarray(0, bytes);
  }

  #partOf(name: string): MatrixPart | undefined {
    return this.shard.partOf(name, this.#checkpoint.get(name).info.shape);
  }

  /** Bytes that this rank reads of a weight. */
  #bytesOf(name: string): number {
    const { info } = this.#checkpoint.get(name);
    if (info.shape.length < 2) return info.end - info.begin;
    const part = this.#partOf(name);
    return part ? part.outputs.count * part.inputs.count * bytesPerWeight(info.dtype as WeightDtype) : 0;
  }

  #reportProgress(): void {
    this.#onProgress?.(this.#done, this.#total);
  }
}
