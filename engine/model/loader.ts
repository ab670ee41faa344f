import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { WeightDtype } from '../config.ts';
import type { Kernels, PackedMatrix } from '../kernels/kernels.ts';
import { widen } from '../kernels/scalar.ts';

/** Called while weights are read, at last with `done` equal to `total`. @param done,total bytes. */
export type LoadProgress = (done: number, total: number) => void;

/** Moves the weights of a checkpoint into the kernels' memory, each once, a few rows at a time. */
export class WeightLoader {
  readonly #checkpoint: Checkpoint;
  readonly #kernels: Kernels;
  readonly #onProgress: LoadProgress | undefined;
  readonly #total: number;
  readonly #scratch = new Map<string, Float32Array>();
  #buffer = new Uint8Array(0);
  #done = 0;

  /** @param names of the weights that will be asked for: a checkpoint may hold others, a tied head for one. */
  constructor(checkpoint: Checkpoint, kernels: Kernels, names: Iterable<string>, onProgress?: LoadProgress) {
    this.#checkpoint = checkpoint;
    this.#kernels = kernels;
    this.#onProgress = onProgress;
    this.#total = 0;
    for (const name of names) {
      const { info } = checkpoint.get(name);
      this.#total += info.end - info.begin;
    }
  }

  /** @param name of a weight of two dimensions, [outputs, inputs]. */
  matrix(name: string): PackedMatrix {
    const { file, info } = this.#checkpoint.get(name);
    const [outputs, inputs] = info.shape;
    const rowBytes = (info.end - info.begin) / outputs;
    const packed = this.#kernels.pack(
      { outputs, inputs, dtype: info.dtype as WeightDtype },
      (firstRow, numRows) => {
        const rows = this.#rows(numRows * rowBytes);
        file.readInto(name, firstRow * rowBytes, rows);
        return rows;
      },
    );
    this.#advance(info.end - info.begin);
    return packed;
  }

  /** @param name of a weight of one dimension; it is widened to f32, which is exact. */
  vector(name: string): Float32Array {
    const { file, info } = this.#checkpoint.get(name);
    const vector = this.#kernels.allocate(info.shape[0]);
    vector.set(widen(info.dtype as WeightDtype, file.read(name)));
    this.#advance(info.end - info.begin);
    return vector;
  }

  /** Working memory that all who ask for it under the same name share. */
  scratch(name: string, length: number): Float32Array {
    const scratch = this.#scratch.get(name) ?? this.#kernels.allocate(length);
    this.#scratch.set(name, scratch);
    return scratch;
  }

  /** One buffer for all that is read: a new one each time would be garbage faster than it is collected. */
  #rows(bytes: number): Uint8Array {
    if (this.#buffer.length < bytes) this.#buffer = new Uint8Array(bytes);
    return this.#buffer.subarray(0, bytes);
  }

  #advance(bytes: number): void {
    this.#done += bytes;
    this.#onProgress?.(this.#done, this.#total);
  }
}
