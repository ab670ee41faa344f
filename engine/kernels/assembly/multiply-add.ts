/**
 * fl(a · b + c), rounded once, in every lane; see "Rounding" in ../kernels.ts.
 *
 * A class, because Biome parses AssemblyScript's @inline on methods only.
 */
export class Fused {
  /**
   * `relaxed_madd` may round twice; {@link fuses} says whether it does on this machine. EMULATED is a
   * constant that asconfig.json defines: 1 in the kernels for such machines, else 0.
   */
  @inline
  static multiplyAdd(a: v128, b: v128, c: v128): v128 {
    return EMULATED ? emulated(a, b, c) : f32x4.relaxed_madd(a, b, c);
  }
}

/**
 * Whether `relaxed_madd` rounds once here.
 *
 * @param factor 1 + 2⁻¹², whose square is 1 + 2⁻¹¹ + 2⁻²⁴ @param summand −(1 + 2⁻¹¹): only a fused sum is
 * not 0. They are arguments, so that no compiler computes the answer.
 */
export function fuses(factor: f32, summand: f32): bool {
  const a = f32x4.splat(factor);
  return f32x4.extract_lane(Fused.multiplyAdd(a, a, f32x4.splat(summand)), 0) !== 0;
}

/** The fused result in f64: fusedMultiplyAdd in ../fused.ts is the same, line by line. */
function emulated(a: v128, b: v128, c: v128): v128 {
  const low = twoLanes(a, b, c);
  const high = twoLanes(highHalf(a), highHalf(b), highHalf(c));
  return v128.shuffle<i32>(low, high, 0, 1, 4, 5);
}

function highHalf(x: v128): v128 {
  return v128.shuffle<i64>(x, x, 1, 1);
}

/** Of lanes 0 and 1. */
function twoLanes(a: v128, b: v128, c: v128): v128 {
  const product = f64x2.mul(f64x2.promote_low_f32x4(a), f64x2.promote_low_f32x4(b));
  const summand = f64x2.promote_low_f32x4(c);
  const sum = f64x2.add(product, summand);
  const part = f64x2.sub(sum, product);
  const error = f64x2.add(f64x2.sub(product, f64x2.sub(sum, part)), f64x2.sub(summand, part));
  const zero = f64x2.splat(0);
  const isInexact = v128.or(f64x2.gt(error, zero), f64x2.lt(error, zero));
  const isEven = i64x2.sub(v128.and(sum, i64x2.splat(1)), i64x2.splat(1));
  // +1 away from 0 if the error has the sum's sign, else −1 towards it.
  const step = v128.or(i64x2.shr_s(v128.xor(sum, error), 63), i64x2.splat(1));
  const odd = i64x2.add(sum, v128.and(step, v128.and(isInexact, isEven)));
  return f32x4.demote_f64x2_zero(odd);
}
