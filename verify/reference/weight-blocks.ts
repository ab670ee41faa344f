import { roundToF16 } from './rounding.ts';

/** Weights that share a scale in GGML's `q8_0` and `q4_0`. */
export const BLOCK = 32;

/**
 * GGML `q8_0` and back, in place: blocks of 32 along the inputs, d = max|x| / 127, q = round(x / d),
 * x ← q · f16(d) (ggml-quants.c, `quantize_row_q8_0_ref`). A last block that is not full has its own scale.
 */
export function quantizeQ8(values: Float32Array): void {
  for (let begin = 0; begin < values.length; begin += BLOCK) {
    const block = values.subarray(begin, begin + BLOCK);
    const scale = Math.fround(block.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const stored = f16(scale);
    for (let i = 0; i < block.length; i++) block[i] = roundAway(Math.fround(block[i] * inverse)) * stored;
  }
}

/**
 * GGML `q4_0` and back, in place: d = (the value of largest magnitude) / −8, q = min(15, ⌊x / d + 8.5⌋),
 * x ← (q − 8) · f16(d) (ggml-quants.c, `quantize_row_q4_0_ref`).
 */
export function quantizeQ4(values: Float32Array): void {
  for (let begin = 0; begin < values.length; begin += BLOCK) {
    const block = values.subarray(begin, begin + BLOCK);
    const extreme = block.reduce((max, x) => (Math.abs(x) > Math.abs(max) ? x : max), 0);
    const scale = Math.fround(extreme / -8);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const stored = f16(scale);
    for (let i = 0; i < block.length; i++) {
      const quant = Math.min(15, Math.trunc(Math.fround(Math.fround(block[i] * inverse) + 8.5)));
      block[i] = (quant - 8) * stored;
    }
  }
}

/**
 * Symmetric blocks and back, in place: d = f16(max|x| / most), q = round to even (x / d), clamped to
 * −most − 1 … most. 8-bit and 4-bit formats without zero points compute so.
 *
 * @param most the largest quant, 127 or 7.
 */
export function quantizeSymmetric(values: Float32Array, most: number): void {
  for (let begin = 0; begin < values.length; begin += BLOCK) {
    const block = values.subarray(begin, begin + BLOCK);
    const scale = f16(block.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / most);
    if (scale === 0) block.fill(0);
    else {
      for (let i = 0; i < block.length; i++) {
        block[i] = Math.max(-most - 1, Math.min(most, roundToEven(block[i] / scale))) * scale;
      }
    }
  }
}

function f16(value: number): number {
  const rounded = Float32Array.of(value);
  roundToF16(rounded);
  return rounded[0];
}

/** C's `roundf`: halves go away from zero. */
function roundAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

function roundToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value - Math.trunc(value)) === 0.5 ? 2 * Math.round(value / 2) : rounded;
}
