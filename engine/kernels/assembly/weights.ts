import { PANEL } from './sizes';

// What a panel's weights are stored in, as types, so that each gets code of its own: f32 stands for itself.
export type BF16 = u16;
export type F16 = i16;

/** Reads panels of weights of type W and widens them to f32, exactly. */
// biome-ignore lint/complexity/noStaticOnlyClass: Biome parses AssemblyScript's @inline on methods only.
export class Weights {
  /** Bytes of the weights that one input has in a panel. */
  @inline
  static stride<W>(): usize {
    return PANEL * sizeof<W>();
  }

  /** The first four of the eight weights at an address. */
  @inline
  static low<W>(address: usize): v128 {
    if (isFloat<W>()) return v128.load(address);
    return Weights.widen<W>(v128.shuffle<u16>(i32x4.splat(0), v128.load(address), 0, 8, 1, 9, 2, 10, 3, 11));
  }

  /** The last four of the eight weights at an address. */
  @inline
  static high<W>(address: usize): v128 {
    if (isFloat<W>()) return v128.load(address, 16);
    return Weights.widen<W>(
      v128.shuffle<u16>(i32x4.splat(0), v128.load(address), 4, 12, 5, 13, 6, 14, 7, 15),
    );
  }

  /** One weight. */
  @inline
  static one<W>(address: usize): f32 {
    if (isFloat<W>()) return load<f32>(address);
    return f32x4.extract_lane(Weights.widen<W>(i32x4.splat((<i32>load<u16>(address)) << 16)), 0);
  }

  /** 16-bit weights, each in the upper half of a lane, to f32. A bf16 is there already. */
  @inline
  static widen<W>(halves: v128): v128 {
    if (!isSigned<W>()) return halves;
    // f16: with exponent and mantissa moved to where an f32 has them (the shift copies the sign, the mask drops the
    // copies), the value is 2¹¹² too small: 112 is the difference of the two biases. Multiplying is exact and
    // makes normal numbers of the denormal ones. What then is 65536 or more was an infinity or a NaN: set its exponent.
    const scaled = f32x4.mul(
      v128.and(i32x4.shr_s(halves, 3), i32x4.splat(0x8fffffff)),
      f32x4.splat(reinterpret<f32>((127 + 112) << 23)),
    );
    const special = f32x4.ge(f32x4.abs(scaled), f32x4.splat(65536));
    return v128.or(scaled, v128.and(special, i32x4.splat(0x7f800000)));
  }
}
