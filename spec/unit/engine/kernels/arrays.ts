import seedrandom from 'seedrandom';
import type { WeightDtype } from '../../../../engine/config.ts';

/**
 * What the values of {@link arrayOf} are like: `plain`, −1 … 1; among these, `tiny`, zeros and denormals of
 * both signs; `huge`, up to the largest f32; `wild`, any 32 bits, NaN and the infinities.
 */
export type Flavour = 'plain' | 'tiny' | 'huge' | 'wild';
export const FLAVOURS: readonly Flavour[] = ['plain', 'tiny', 'huge', 'wild'];

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);
const WILD_BITS = [0x7f800000, 0xff800000, 0x7fc00000, 0x80000000, 0x7f7fffff, 0x00000001];

/** Reproducible f32 values. */
export function arrayOf(length: number, seed: number, flavour: Flavour = 'plain'): Float32Array {
  const random = seedrandom.alea(String(seed));
  const below = (limit: number) => Math.floor(random() * limit);
  return new Float32Array(length).map(() => {
    const plain = Math.fround(random() * 2 - 1);
    if (flavour === 'plain' || below(4) > 0) return plain;
    if (flavour === 'huge') return plain * 2 ** below(129);
    if (flavour === 'tiny') word[0] = below(2) ? below(2 ** 23) : below(4);
    else if (below(8) > 0) return plain;
    else word[0] = below(2) ? WILD_BITS[below(WILD_BITS.length)] : below(2 ** 32);
    return below(2) ? float[0] : -float[0];
  });
}

/** Reproducible weights of a dtype, as bytes, of the same flavours. */
export function weightsOf(length: number, seed: number, flavour: Flavour, dtype: WeightDtype): Uint8Array {
  const values = new Uint32Array(arrayOf(length, seed, flavour).buffer);
  if (dtype === 'F32') return new Uint8Array(values.buffer);
  // bf16 is the upper half of an f32. As an f16, shifted into its range, it keeps the variety: every bit
  // pattern is a valid f16, and those of exponent 31 are its infinities and NaNs.
  const halves = values.map((bits) => {
    if (dtype === 'BF16') return bits >>> 16;
    const exponent = (bits >>> 23) & 0xff;
    const f16Exponent = exponent === 255 ? 31 : Math.max(0, Math.min(30, exponent - 112));
    return ((bits >>> 16) & 0x8000) | (f16Exponent << 10) | ((bits >>> 13) & 0x3ff);
  });
  return new Uint8Array(new Uint16Array(halves).buffer);
}
