import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { WeightDtype } from '../config.ts';
import type { Kernels, PackedMatrix } from '../kernels/kernels.ts';
import { widen } from '../kernels/scalar.ts';
import { bytesPerWeight } from '../kernels/widen.ts';
import { type MatrixPart, Shard } from './shard.ts';

/** Called while weights are read, at last with `done` equal to `total`. @param done,total bytes. */
export type LoadProgress = (done: number, total: number) => void;

/** Moves a rank's weights of a checkpoint into the kernels' memory, each once, a few rows at a time. */
export class WeightLoader {
  readonly shard: Shard;
  readonly #checkpoint: Checkpoint;
  readonly #kernels: Kernels;
  readonly #onProgress: LoadProgress | undefined;
  readonly #total: number;
  readonly #scratch = new Map<string, Float32Array>();
  #buffer = new Uint8Array(0);
  #done = 0;

  /** @param names of the weights that will be asked for: a checkpoint may hold others, a tied head for one. */
  constructor(
    checkpoint: Checkpoint,
    kernels: Kernels,
    names: Iterable<string>,
    onProgress?: LoadProgress,
    shard: Shard = new Shard(),
  ) {
    this.shard = shard;
    this.#checkpoint = checkpoint;
    this.#kernels = kernels;
    this.#onProgress = onProgress;
    this.#total = 0;
    for (const name of names) this.#total += this.#bytesOf(name);
  }

  /** This rank's part of a matrix. @param name of a weight of two dimensions, [outputs, inputs]. */
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
            const of = rows.subarray(row * rowBytes, (row + 1) * rowBytes);
            file.readInto(name, begin + row * wholeInputs * weightBytes, of);
          }
        }
        this.#advance(rows.length);
        return rows;
      },
    );
    this.#tell();
    return packed;
  }

  /** @param name of a weight of one dimension; it is widened to f32, which is exact. */
  vector(name: string): Float32Array {
    const { file, info } = this.#checkpoint.get(name);
    const vector = this.#kernels.allocate(info.shape[0]);
    vector.set(widen(info.dtype as WeightDtype, file.read(name)));
    this.#advance(info.end - info.begin);
    this.#tell();
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

  #partOf(name: string): MatrixPart | undefined {
    return this.shard.partOf(name, this.#checkpoint.get(name).info.shape);
  }

  /** What this rank reads of a weight. */
  #bytesOf(name: string): number {
    const { info } = this.#checkpoint.get(name);
    if (info.shape.length < 2) return info.end - info.begin;
    const part = this.#partOf(name);
    return part ? part.outputs.count * part.inputs.count * bytesPerWeight(info.dtype as WeightDtype) : 0;
  }

  #advance(bytes: number): void {
    this.#done += bytes;
  }

  #tell(): void {
    this.#onProgress?.(this.#done, this.#total);
  }
}
