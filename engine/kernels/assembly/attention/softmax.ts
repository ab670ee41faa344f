import { exp, expOne } from '../elementwise/exp';

/** Replaces each value by exp(value − maximum). @returns their sum by four, see ../../kernels.ts */
export function exponentials(x: usize, length: usize): f32 {
  const end = x + length * sizeof<f32>();
  const max = maximum(x, end);
  let sums = f32x4.splat(0);
  for (; x + 16 <= end; x += 16) {
    const p = exp(f32x4.sub(v128.load(x), f32x4.splat(max)));
    v128.store(x, p);
    sums = f32x4.add(sums, p);
  }
  let s0 = f32x4.extract_lane(sums, 0);
  let s1 = f32x4.extract_lane(sums, 1);
  let s2 = f32x4.extract_lane(sums, 2);
  if (x < end) s0 += replaceByExp(x, max);
  if (x + 4 < end) s1 += replaceByExp(x + 4, max);
  if (x + 8 < end) s2 += replaceByExp(x + 8, max);
  return s0 + s1 + (s2 + f32x4.extract_lane(sums, 3));
}

function replaceByExp(x: usize, max: f32): f32 {
  const p = expOne(load<f32>(x) - max);
  store<f32>(x, p);
  return p;
}

/** The order of comparisons is free: a maximum is exact, and NaN wins in any order. */
function maximum(x: usize, end: usize): f32 {
  let lanes = f32x4.splat(-Infinity);
  for (; x + 16 <= end; x += 16) lanes = f32x4.max(lanes, v128.load(x));
  for (; x < end; x += sizeof<f32>()) lanes = f32x4.max(lanes, v128.load32_splat(x));
  return max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
}
