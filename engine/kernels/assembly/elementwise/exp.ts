import {
  C2,
  C3,
  C4,
  C5,
  C6,
  EXP_HIGHEST,
  EXP_LOWEST,
  LN2_HIGH,
  LN2_LOW,
  LOG2_E,
  ROUNDER,
} from '../../numerics';

/** exp over arrays; expF32 in ../../exp.ts is the same, line by line. */
export class Exp {
  /**
   * Replaces x[i] by exp(x[i] − max), or by silu(x[i]) · y[i], of adjacent values.
   *
   * @param isSilu a constant where this is inlined
   * @param end x + a multiple of 32: two vectors, which V8 can fuse
   * @param max not used for SiLU @param y not used for exp
   * @returns the sums of exp over i mod 4.
   */
  @inline
  static replace(isSilu: bool, x: usize, end: usize, max: f32, y: usize): v128 {
    // 0, which the compiler cannot know: arrays of f32 lie at multiples of 4. V8 makes a constant vector anew
    // at every use, which costs more than the arithmetic.
    const zero = <f32>(<i32>(end & 3));
    const lowest = f32x4.splat(<f32>EXP_LOWEST + zero);
    const highest = f32x4.splat(<f32>EXP_HIGHEST + zero);
    const log2e = f32x4.splat(<f32>LOG2_E + zero);
    const rounder = f32x4.splat(<f32>ROUNDER + zero);
    const ln2High = f32x4.splat(<f32>LN2_HIGH + zero);
    const ln2Low = f32x4.splat(<f32>LN2_LOW + zero);
    const c2 = f32x4.splat(<f32>C2 + zero);
    const c3 = f32x4.splat(<f32>C3 + zero);
    const c4 = f32x4.splat(<f32>C4 + zero);
    const c5 = f32x4.splat(<f32>C5 + zero);
    const c6 = f32x4.splat(<f32>C6 + zero);
    const one = f32x4.splat(<f32>1 + zero);
    const bias = i32x4.splat(127 + <i32>zero);
    const maximum = f32x4.splat(max);
    let sums = f32x4.splat(0);
    for (; x < end; x += 32) {
      const x0 = v128.load(x);
      const x1 = v128.load(x, 16);
      // Read before anything is stored, or V8 does not fuse.
      const y0 = isSilu ? v128.load(y) : x0;
      const y1 = isSilu ? v128.load(y, 16) : x1;
      const a0 = isSilu ? f32x4.neg(x0) : f32x4.sub(x0, maximum);
      const a1 = isSilu ? f32x4.neg(x1) : f32x4.sub(x1, maximum);
      // These take one instruction, where min and max take eight. They too give NaN for NaN.
      const b0 = f32x4.pmax(f32x4.pmin(a0, highest), lowest);
      const b1 = f32x4.pmax(f32x4.pmin(a1, highest), lowest);
      const n0 = f32x4.sub(f32x4.add(f32x4.mul(b0, log2e), rounder), rounder);
      const n1 = f32x4.sub(f32x4.add(f32x4.mul(b1, log2e), rounder), rounder);
      const r0 = f32x4.sub(f32x4.sub(b0, f32x4.mul(n0, ln2High)), f32x4.mul(n0, ln2Low));
      const r1 = f32x4.sub(f32x4.sub(b1, f32x4.mul(n1, ln2High)), f32x4.mul(n1, ln2Low));
      let t0 = f32x4.add(f32x4.mul(c6, r0), c5);
      let t1 = f32x4.add(f32x4.mul(c6, r1), c5);
      t0 = f32x4.add(f32x4.mul(t0, r0), c4);
      t1 = f32x4.add(f32x4.mul(t1, r1), c4);
      t0 = f32x4.add(f32x4.mul(t0, r0), c3);
      t1 = f32x4.add(f32x4.mul(t1, r1), c3);
      t0 = f32x4.add(f32x4.mul(t0, r0), c2);
      t1 = f32x4.add(f32x4.mul(t1, r1), c2);
      const e0 = f32x4.add(f32x4.add(f32x4.mul(t0, f32x4.mul(r0, r0)), r0), one);
      const e1 = f32x4.add(f32x4.add(f32x4.mul(t1, f32x4.mul(r1, r1)), r1), one);
      const whole0 = i32x4.trunc_sat_f32x4_s(n0);
      const whole1 = i32x4.trunc_sat_f32x4_s(n1);
      const half0 = i32x4.shr_s(whole0, 1);
      const half1 = i32x4.shr_s(whole1, 1);
      const power0 = i32x4.shl(i32x4.add(half0, bias), 23);
      const power1 = i32x4.shl(i32x4.add(half1, bias), 23);
      const rest0 = i32x4.shl(i32x4.add(i32x4.sub(whole0, half0), bias), 23);
      const rest1 = i32x4.shl(i32x4.add(i32x4.sub(whole1, half1), bias), 23);
      const p0 = f32x4.mul(f32x4.mul(e0, power0), rest0);
      const p1 = f32x4.mul(f32x4.mul(e1, power1), rest1);
      if (isSilu) {
        v128.store(x, f32x4.mul(f32x4.div(x0, f32x4.add(one, p0)), y0));
        v128.store(x, f32x4.mul(f32x4.div(x1, f32x4.add(one, p1)), y1), 16);
        y += 32;
      } else {
        v128.store(x, p0);
        v128.store(x, p1, 16);
        sums = f32x4.add(f32x4.add(sums, p0), p1);
      }
    }
    return sums;
  }
}
