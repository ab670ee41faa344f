import type { WeightDtype } from '../../../engine/config.ts';
import { bfloat16Bits, float16Bits } from '../../fixtures/seeded-weights.ts';

/** The types of tensors that are written: GGML's numbers, and bytes and values of a block. */
export const GGML_TYPES = {
  F32: { number: 0, blockBytes: 4, blockValues: 1 },
  F16: { number: 1, blockBytes: 2, blockValues: 1 },
  Q8_0: { number: 8, blockBytes: 34, blockValues: 32 },
  BF16: { number: 30, blockBytes: 2, blockValues: 1 },
} as const;
export type GgmlType = keyof typeof GGML_TYPES;

const Q8_0 = GGML_TYPES.Q8_0;

/** Bytes of a tensor of this shape; its rows are whole blocks. */
export function byteLength(type: GgmlType, shape: readonly number[]): number {
  const { blockBytes, blockValues } = GGML_TYPES[type];
  return (shape.reduce((product, size) => product * size, 1) / blockValues) * blockBytes;
}

/**
 * Stored weights in a type of GGML.
 *
 * @param bytes little-endian values of `dtype`; for `Q8_0` whole blocks of 32.
 * @returns `bytes` itself if the types are the same.
 */
export function encodeWeights(bytes: Uint8Array, dtype: WeightDtype, type: GgmlType): Uint8Array {
  if (dtype === type) return bytes;
  const values = widenWeights(bytes, dtype);
  switch (type) {
    case 'F32':
      return new Uint8Array(values.buffer);
    case 'F16':
      return new Uint8Array(new Uint16Array(values.map((value) => float16Bits(value))).buffer);
    case 'BF16':
      return new Uint8Array(new Uint16Array(values.map((value) => bfloat16Bits(value))).buffer);
    case 'Q8_0':
      return quantizeQ8_0(values);
  }
}

/**
 * ggml's `quantize_row_q8_0_ref`, whose arithmetic is f32: of 32 values a scale `d = max |x| / 127` in f16,
 * and `x / d` rounded to whole numbers, ties away from zero. The rounding uses the scale before it was
 * rounded to f16.
 *
 * @param values f32 [n], n a multiple of 32.
 * @returns [n / 32] blocks of 34 bytes: d as f16, then 32 i8.
 */
export function quantizeQ8_0(values: Float32Array): Uint8Array {
  const { blockBytes, blockValues } = Q8_0;
  const blocks = values.length / blockValues;
  const bytes = new Uint8Array(blocks * blockBytes);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    const from = block * blockValues;
    const at = block * blockBytes;
    let max = 0;
    for (let i = 0; i < blockValues; i++) max = Math.max(max, Math.abs(values[from + i]));
    const scale = Math.fround(max / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    view.setUint16(at, float16Bits(scale), true);
    for (let i = 0; i < blockValues; i++) {
      view.setInt8(at + 2 + i, roundHalfAway(Math.fround(values[from + i] * inverse)));
    }
  }
  return bytes;
}

/** C's `roundf`; `Math.round` rounds -0.5 up. */
function roundHalfAway(value: number): number {
  return Math.sign(value) * Math.floor(Math.abs(value) + 0.5);
}

/** @returns f32 [n], exactly what the stored bits stand for. */
export function widenWeights(bytes: Uint8Array, dtype: WeightDtype): Float32Array {
  const aligned = bytes.slice().buffer;
  if (dtype === 'F32') return new Float32Array(aligned);
  const stored = new Uint16Array(aligned);
  if (dtype === 'F16') return new Float32Array(stored.length).map((_, i) => widenF16(stored[i]));
  const bits = new Uint32Array(stored.length);
  for (let i = 0; i < stored.length; i++) bits[i] = stored[i] << 16;
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent with bias 15, 10 of mantissa. */
function widenF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  const units = exponent === 0 ? mantissa : 1024 + mantissa;
  return sign * units * 2 ** (Math.max(exponent, 1) - 25);
}
