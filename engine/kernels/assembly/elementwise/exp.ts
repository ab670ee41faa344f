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

/** exp of four values; expF32 in ../../exp.ts is the same, line by line. */
export function exp(x: v128): v128 {
  const clamped = f32x4.max(f32x4.splat(<f32>EXP_LOWEST), f32x4.min(f32x4.splat(<f32>EXP_HIGHEST), x));
  const rounder = f32x4.splat(<f32>ROUNDER);
  const n = f32x4.sub(f32x4.add(f32x4.mul(clamped, f32x4.splat(<f32>LOG2_E)), rounder), rounder);
  const r = f32x4.sub(
    f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(<f32>LN2_HIGH))),
    f32x4.mul(n, f32x4.splat(<f32>LN2_LOW)),
  );
  let tail = f32x4.add(f32x4.mul(f32x4.splat(<f32>C6), r), f32x4.splat(<f32>C5));
  tail = f32x4.add(f32x4.mul(tail, r), f32x4.splat(<f32>C4));
  tail = f32x4.add(f32x4.mul(tail, r), f32x4.splat(<f32>C3));
  tail = f32x4.add(f32x4.mul(tail, r), f32x4.splat(<f32>C2));
  const e = f32x4.add(f32x4.add(f32x4.mul(tail, f32x4.mul(r, r)), r), f32x4.splat(1));
  const whole = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(e, powerOfTwo(half)), powerOfTwo(i32x4.sub(whole, half)));
}

function powerOfTwo(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
}

/** exp of one value. */
export function expOne(x: f32): f32 {
  return f32x4.extract_lane(exp(f32x4.splat(x)), 0);
}
