import type { WeightDtype } from '../config.ts';

const BYTES = { F32: 4, F16: 2, BF16: 2 } as const satisfies Record<WeightDtype, number>;

/** Bytes of one weight. */
export function bytesPerWeight(dtype: WeightDtype): number {
  return BYTES[dtype];
}

/** Weights as unsigned whole numbers of their width, so that moving them cannot change a bit. */
export type WeightBits = Uint16Array | Uint32Array;

/**
 * Views little-endian bytes as weights; copies them only where their address is not aligned.
 *
 * @param bytes its length is a multiple of {@link bytesPerWeight}
 */
export function weightBits(dtype: WeightDtype, bytes: Uint8Array): WeightBits {
  const size = bytesPerWeight(dtype);
  const { buffer, byteOffset, length } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return size === 2
    ? new Uint16Array(buffer, byteOffset, length / size)
    : new Uint32Array(buffer, byteOffset, length / size);
}

const asBits = new Uint32Array(1);
const asFloat = new Float32Array(asBits.buffer);

/** The f32 of a pattern of 32 bits. */
export function floatFromBits(bits: number): number {
  asBits[0] = bits;
  return asFloat[0];
}

/**
 * The f32 that one stored weight stands for, exactly: every bf16 and every f16, denormals included, is an
 * f32.
 */
export function widenBits(dtype: WeightDtype, bits: number): number {
  switch (dtype) {
    case 'F32':
      return floatFromBits(bits);
    case 'BF16':
      return floatFromBits(bits << 16);
    case 'F16':
      return widenF16(bits);
  }
}

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent with bias 15, 10 of mantissa. */
function widenF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/**
 * Widens little-endian weights, as a norm's gains, to f32.
 *
 * @param bytes its length is a multiple of {@link bytesPerWeight}
 */
export function widen(dtype: WeightDtype, bytes: Uint8Array): Float32Array {
  const bits = weightBits(dtype, bytes);
  const values = new Float32Array(bits.length);
  const words = new Uint32Array(values.buffer);
  // A word keeps every bit of a NaN.
  if (dtype === 'F16') for (let i = 0; i < bits.length; i++) values[i] = widenF16(bits[i]);
  else for (let i = 0; i < bits.length; i++) words[i] = dtype === 'BF16' ? bits[i] << 16 : bits[i];
  return values;
}
