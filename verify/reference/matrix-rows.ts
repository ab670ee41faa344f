import type { Kernels, PackedMatrix } from '../../engine/index.ts';

/** Rows that are read from a matrix at once. */
const BATCH = 128;

/**
 * Some rows of a packed matrix, for products with these outputs alone: of a large vocabulary few scores are
 * wanted. They are a matrix of their own, so that a product has the bits of `Kernels.matmul`.
 */
export class MatrixRows {
  readonly #kernels: Pick<Kernels, 'matmul'>;
  /** By output: its place in {@link #matrix}, or −1. */
  readonly #places: Int32Array;
  readonly #matrix: PackedMatrix;
  readonly #x: Float32Array;
  readonly #y: Float32Array;

  /** @param outputs ascending, at least one: those whose products can be asked for. */
  constructor(
    kernels: Pick<Kernels, 'allocate' | 'gather' | 'matmul' | 'pack'>,
    matrix: PackedMatrix,
    outputs: Int32Array,
  ) {
    const { inputs } = matrix;
    this.#kernels = kernels;
    this.#places = new Int32Array(matrix.outputs).fill(-1);
    for (const [place, output] of outputs.entries()) this.#places[output] = place;
    const scratch = kernels.allocate(BATCH * inputs);
    this.#matrix = kernels.pack({ outputs: outputs.length, inputs, dtype: 'F32' }, (first, count) => {
      const rows = new Float32Array(count * inputs);
      for (let done = 0; done < count; done += BATCH) {
        const batch = outputs.subarray(first + done, first + Math.min(done + BATCH, count));
        kernels.gather(matrix, batch, scratch);
        rows.set(scratch.subarray(0, batch.length * inputs), done * inputs);
      }
      return new Uint8Array(rows.buffer);
    });
    this.#x = kernels.allocate(inputs);
    this.#y = kernels.allocate(outputs.length);
  }

  /**
   * `y[i] = Σ_k x[k] · W[outputs[i], k]`.
   *
   * @param x f32 [inputs]
   * @param y f32 [outputs.length], written
   */
  multiply(x: Float32Array, outputs: Int32Array, y: Float32Array): void {
    this.#x.set(x);
    this.#kernels.matmul(this.#x, 1, this.#matrix, this.#y);
    for (const [i, output] of outputs.entries()) y[i] = this.#y[this.#places[output]];
  }
}
