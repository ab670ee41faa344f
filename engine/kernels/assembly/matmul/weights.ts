import { PANEL } from '../sizes';

// The types that weights are stored in, f32 besides, as type arguments: the compiler makes code for each.
export type BF16 = u16;
export type F16 = i16;

/**
 * Reads panels of weights of type W and widens them to f32, exactly. The 16 weights that one input has in a
 * panel are four vectors of f32. Stored in 16 bits they are two vectors of words: the low halves of the
 * words are the first eight weights, the high halves the others, so that a shift and a mask unpack them,
 * each within its own lane.
 */
export class Weights {
  /** Bytes of the weights that one input has in a panel. */
  @inline
  static stride<W>(): usize {
    return PANEL * sizeof<W>();
  }

  /** What {@link high} needs: the high half of each lane. */
  @inline
  static mask(inputs: usize): v128 {
    // 0xffff0000, as inputs is below 2³¹. The compiler would make a constant anew at every use, which costs a
    // fifth of the speed.
    return i32x4.splat(-65536 + <i32>(inputs >> 31));
  }

  /** Weights 0 … 3 or 4 … 7 (16 bits: of the words given). */
  @inline
  static low<W>(words: v128): v128 {
    if (isFloat<W>()) return words;
    return Weights.widen<W>(i32x4.shl(words, 16));
  }

  /** Weights 8 … 11 or 12 … 15, of the words given. */
  @inline
  static high<W>(words: v128, mask: v128): v128 {
    return Weights.widen<W>(v128.and(words, mask));
  }

  /** One weight. @param lane which of the 16 @param address of the first */
  @inline
  static one<W>(address: usize, lane: usize): f32 {
    if (isFloat<W>()) return load<f32>(address + lane * sizeof<f32>());
    const half = address + (lane % (PANEL / 2)) * 4 + (lane / (PANEL / 2)) * 2;
    return f32x4.extract_lane(Weights.widen<W>(i32x4.splat((<i32>load<u16>(half)) << 16)), 0);
  }

  /** 16-bit weights, each in the upper half of a lane, to f32. A bf16 is there already. */
  @inline
  static widen<W>(halves: v128): v128 {
    if (!isSigned<W>()) return halves;
    // f16: with exponent and mantissa moved to where an f32 has them (the shift copies the sign, the mask
    // drops the copies), the value is 2¹¹² too small: 112 is the difference of the two biases. Multiplying
    // is exact and turns denormals into normal numbers. A result of 65536 or more was an infinity or a NaN:
    // set its exponent.
    const scaled = f32x4.mul(
      v128.and(i32x4.shr_s(halves, 3), i32x4.splat(0x8fffffff)),
      f32x4.splat(reinterpret<f32>((127 + 112) << 23)),
    );
    const special = f32x4.ge(f32x4.abs(scaled), f32x4.splat(65536));
    return v128.or(scaled, v128.and(special, i32x4.splat(0x7f800000)));
  }
}
