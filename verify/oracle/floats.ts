/** A binary float narrower than float32: 1 sign bit, an exponent, `mantissaBits`. Formulae of IEEE 754. */
interface Format {
  readonly mantissaBits: number;
  /** The exponent of the smallest normal number, a power of 2. */
  readonly minExponent: number;
  /** Bits of +infinity: the exponent all ones, the mantissa zero. */
  readonly infinity: number;
}

const F16: Format = { mantissaBits: 10, minExponent: -14, infinity: 0x7c00 };
const BF16: Format = { mantissaBits: 7, minExponent: -126, infinity: 0x7f80 };

/** Formats of 16 bits, each with the number of every pattern of bits once it is needed. */
const HALVES: Record<string, { readonly format: Format; numbers?: Float64Array } | undefined> = {
  F16: { format: F16 },
  BF16: { format: BF16 },
};

/** Storage formats the oracle can read. */
export type FloatDtype = 'F64' | 'F32' | 'F16' | 'BF16';

/**
 * The numbers stored in little-endian bytes, exactly.
 *
 * @throws RangeError for another dtype.
 */
export function widen(dtype: string, bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const each = (size: number, read: (offset: number) => number) =>
    new Float64Array(bytes.byteLength / size).map((_, i) => read(i * size));
  if (dtype === 'F64') return each(8, (offset) => view.getFloat64(offset, true));
  if (dtype === 'F32') return each(4, (offset) => view.getFloat32(offset, true));
  const halves = HALVES[dtype];
  if (halves) {
    halves.numbers ??= new Float64Array(2 ** 16).map((_, bits) => decode(bits, halves.format));
    const { numbers } = halves;
    const widened = new Float64Array(bytes.byteLength / 2);
    for (let i = 0; i < widened.length; i++) widened[i] = numbers[view.getUint16(2 * i, true)];
    return widened;
  }
  throw new RangeError(`the oracle cannot read dtype ${dtype}; it reads F64, F32, F16 and BF16`);
}

/** Little-endian bytes of the numbers nearest to `values`; of two as near, the one with an even last bit. */
export function narrow(dtype: FloatDtype, values: Float64Array): Uint8Array {
  if (dtype === 'F64') return new Uint8Array(values.slice().buffer);
  if (dtype === 'F32') return new Uint8Array(new Float32Array(values).buffer);
  const format = dtype === 'F16' ? F16 : BF16;
  return new Uint8Array(new Uint16Array(values.map((value) => encode(value, format))).buffer);
}

function decode(bits: number, { mantissaBits, minExponent, infinity }: Format): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const magnitude = bits & 0x7fff;
  if (magnitude >= infinity) return magnitude === infinity ? sign * Infinity : NaN;
  const exponent = magnitude >> mantissaBits;
  const mantissa = magnitude & (2 ** mantissaBits - 1);
  // A zero exponent means no implicit leading 1 (subnormal), at the scale of the smallest normal.
  const significand = exponent === 0 ? mantissa : mantissa + 2 ** mantissaBits;
  return sign * significand * 2 ** (Math.max(exponent, 1) - 1 + minExponent - mantissaBits);
}

function encode(value: number, { mantissaBits, minExponent, infinity }: Format): number {
  if (Number.isNaN(value)) return infinity + 1;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude === 0 || magnitude === Infinity) return sign | (magnitude && infinity);
  // Should log2 round up to a whole number, the power of 2 is the nearest number anyway.
  const exponent = Math.max(Math.floor(Math.log2(magnitude)), minExponent);
  const units = roundHalfToEven(magnitude / 2 ** (exponent - mantissaBits));
  // The implicit leading 1 of the units, if there, carries into the exponent, as does rounding up.
  const bits = (exponent - minExponent) * 2 ** mantissaBits + units;
  return sign | Math.min(bits, infinity);
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}
