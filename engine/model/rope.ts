import type { ModelConfig } from '../config.ts';

/** Consecutive positions, and where {@link RopeTable.write} puts their cosines and sines. */
export interface RopeRows {
  readonly startPosition: number;
  readonly count: number;
  /** The row of the first position in `cos` and `sin`. */
  readonly row: number;
  /** f32 [rows, headDim / 2], written */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * The cosines and sines of rotary position embeddings (Su et al. 2021), with the roundings of HuggingFace's
 * `Qwen3RotaryEmbedding`: exponent, inverse frequency and angle are each f32, then cos and sin are.
 */
export class RopeTable {
  readonly #inverseFrequencies: Float32Array;
  #positions = 0;
  #cos = new Float32Array(0);
  #sin = new Float32Array(0);

  constructor({ headDim, ropeTheta }: Pick<ModelConfig, 'headDim' | 'ropeTheta'>) {
    this.#inverseFrequencies = Float32Array.from({ length: headDim / 2 }, (_, i) => {
      const power = Math.fround(ropeTheta ** Math.fround((2 * i) / headDim));
      return Math.fround(1 / power);
    });
  }

  /** Writes the cosines and sines of consecutive positions. */
  write({ startPosition, count, row, cos, sin }: RopeRows): void {
    this.#extend(startPosition + count);
    const half = this.#inverseFrequencies.length;
    cos.set(this.#cos.subarray(startPosition * half, (startPosition + count) * half), row * half);
    sin.set(this.#sin.subarray(startPosition * half, (startPosition + count) * half), row * half);
  }

  /**
   * Computes the first `positions` positions; doubles, so that decoding does not compute them at every step.
   */
  #extend(positions: number): void {
    if (positions <= this.#positions) return;
    this.#positions = Math.max(positions, 2 * this.#positions);
    const half = this.#inverseFrequencies.length;
    this.#cos = new Float32Array(this.#positions * half);
    this.#sin = new Float32Array(this.#positions * half);
    for (let position = 0; position < this.#positions; position++) {
      for (let i = 0; i < half; i++) {
        const angle = Math.fround(position * this.#inverseFrequencies[i]);
        this.#cos[position * half + i] = Math.cos(angle);
        this.#sin[position * half + i] = Math.sin(angle);
      }
    }
  }
}
