/** Rounds an f32 to a narrower binary format and back, to nearest, ties to even (IEEE 754), in place. */
export type Round = (values: Float32Array) => void;

/** bfloat16: the upper half of an f32. NaN stays NaN. */
export function roundToBf16(values: Float32Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i];
    // The sum would carry a NaN of full mantissa into the sign.
    if ((word & 0x7f800000) !== 0x7f800000) bits[i] = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  }
}

/** The smallest normal float16, and the least that rounds to infinity. */
const F16_MIN_NORMAL = 2 ** -14;
const F16_OVERFLOW = 65520;

/** float16: 10 bits of mantissa, denormals below 2⁻¹⁴, infinity from 65520 on. */
export function roundToF16(values: Float32Array): void {
  roundWithF16(values, (word) => word + 0xfff + ((word >>> 13) & 1));
}

/** @param carry adds to the bits of a normal number what rounding carries into the 10 bits that are kept. */
function roundWithF16(values: Float32Array, carry: (word: number) => number): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const magnitude = Math.abs(values[i]);
    if (magnitude >= F16_OVERFLOW) values[i] = Math.sign(values[i]) * Number.POSITIVE_INFINITY;
    else if (magnitude >= F16_MIN_NORMAL) bits[i] = carry(bits[i]) & 0xffffe000;
    // Adding 1.5 · 2²⁸ to an f64 leaves 24 bits after the point.
    else if (magnitude > 0) values[i] = values[i] + 402653184 - 402653184;
  }
}

/**
 * Rounding whose halfway point wanders by up to a quarter of a unit in the last place: another draw of the
 * noise of the format, 1.12 times as large. Engines of one format differ so, as they add in other orders
 * before they round.
 */
export function ditheredBf16(seed: number): Round {
  const random = xorshift(seed);
  return (values) => {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < bits.length; i++) {
      const word = bits[i];
      if ((word & 0x7f800000) !== 0x7f800000) bits[i] = (word + 0x4000 + (random() >>> 17)) & 0xffff0000;
    }
  };
}

/** {@link ditheredBf16} for float16. */
export function ditheredF16(seed: number): Round {
  const random = xorshift(seed);
  return (values) => roundWithF16(values, (word) => word + 0x800 + (random() >>> 20));
}

/** Marsaglia's xorshift32. @param seed not 0 @returns a source of unsigned 32-bit numbers */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
