import { Exp } from '../elementwise/exp';

/** Values that are computed at once. */
const STEP: usize = 8;

/**
 * Replaces each value by exp(value − maximum).
 *
 * @param x with room for a multiple of eight values: those behind the last one are overwritten
 * @returns their sum by four, see ../../kernels.ts
 */
export function exponentials(x: usize, length: usize): f32 {
  const end = x + length * sizeof<f32>();
  const stepped = x + ((length + STEP - 1) / STEP) * STEP * sizeof<f32>();
  // Their exponentials are 0, which changes no sum.
  for (let behind = end; behind < stepped; behind += sizeof<f32>()) store<f32>(behind, -Infinity);
  return replaceByExp(x, stepped, maximum(x, stepped));
}

/** Exported by index.ts, as the tiles are, so that V8 fuses its vectors. */
export function replaceByExp(x: usize, end: usize, max: f32): f32 {
  const sums = Exp.replace(false, x, end, max, 0);
  return (
    f32x4.extract_lane(sums, 0) +
    f32x4.extract_lane(sums, 1) +
    (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3))
  );
}

/** The largest value that is not NaN, in any order: a maximum is exact. A NaN becomes NaN without it. */
function maximum(x: usize, end: usize): f32 {
  let even = f32x4.splat(-Infinity);
  let odd = even;
  for (; x < end; x += STEP * sizeof<f32>()) {
    even = f32x4.pmax(even, v128.load(x));
    odd = f32x4.pmax(odd, v128.load(x, 16));
  }
  const lanes = f32x4.pmax(even, odd);
  return max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
}
