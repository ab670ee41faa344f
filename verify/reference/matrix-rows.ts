import type { Kernels, PackedMatrix } from '../../engine/index.ts';

/** Leaves of a matmul's sum, as `Kernels` states its order. */
const LEAVES = 8;
/** Rows that pass through the kernels' memory at once. */
const BATCH = 256;

/**
 * Some rows of a packed matrix, for products with these outputs alone: of a large vocabulary few scores are
 * wanted.
 *
 * A row is stored as [inputs of a leaf, leaves], so that the eight sums run side by side, and is padded with
 * zeros, which change no sum that begins at +0.
 */
export class MatrixRows {
  readonly #inputs: number;
  /** ⌈inputs / 8⌉ */
  readonly #leaf: number;
  /** By output: its row in {@link #rows}, or −1. */
  readonly #places: Int32Array;
  readonly #rows: Float32Array;
  readonly #x: Float32Array;

  /** @param outputs ascending: those whose products can be asked for. */
  constructor(kernels: Pick<Kernels, 'allocate' | 'gather'>, matrix: PackedMatrix, outputs: Int32Array) {
    const { inputs } = matrix;
    this.#inputs = inputs;
    this.#leaf = Math.ceil(inputs / LEAVES);
    this.#places = new Int32Array(matrix.outputs).fill(-1);
    this.#rows = new Float32Array(outputs.length * this.#leaf * LEAVES);
    this.#x = new Float32Array(this.#leaf * LEAVES);
    const scratch = kernels.allocate(BATCH * inputs);
    for (let first = 0; first < outputs.length; first += BATCH) {
      const batch = outputs.subarray(first, first + BATCH);
      kernels.gather(matrix, batch, scratch);
      for (const [i, output] of batch.entries()) {
        this.#places[output] = first + i;
        const begin = (first + i) * this.#x.length;
        this.#interleave(scratch.subarray(i * inputs, (i + 1) * inputs), this.#rows.subarray(begin));
      }
    }
  }

  /**
   * `y[i] = Σ_k x[k] · W[outputs[i], k]`, the bits of `Kernels.matmul`.
   *
   * @param x f32 [inputs]
   * @param y f32 [outputs.length], written
   */
  multiply(x: Float32Array, outputs: Int32Array, y: Float32Array): void {
    const { fround } = Math;
    const [padded, rows, width] = [this.#x, this.#rows, this.#x.length];
    this.#interleave(x, padded);
    for (let i = 0; i < outputs.length; i++) {
      const begin = this.#places[outputs[i]] * width;
      let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let k = 0; k < width; k += LEAVES) {
        const at = begin + k;
        s0 = fround(s0 + fround(padded[k] * rows[at]));
        s1 = fround(s1 + fround(padded[k + 1] * rows[at + 1]));
        s2 = fround(s2 + fround(padded[k + 2] * rows[at + 2]));
        s3 = fround(s3 + fround(padded[k + 3] * rows[at + 3]));
        s4 = fround(s4 + fround(padded[k + 4] * rows[at + 4]));
        s5 = fround(s5 + fround(padded[k + 5] * rows[at + 5]));
        s6 = fround(s6 + fround(padded[k + 6] * rows[at + 6]));
        s7 = fround(s7 + fround(padded[k + 7] * rows[at + 7]));
      }
      const [low, high] = [
        fround(fround(s0 + s1) + fround(s2 + s3)),
        fround(fround(s4 + s5) + fround(s6 + s7)),
      ];
      y[i] = low + high;
    }
  }

  /** @param to [inputs of a leaf, leaves]; what lies beyond the inputs stays as it is */
  #interleave(from: Float32Array, to: Float32Array): void {
    for (let k = 0; k < this.#inputs; k++) {
      const leaf = Math.floor(k / this.#leaf);
      to[(k - leaf * this.#leaf) * LEAVES + leaf] = from[k];
    }
  }
}
