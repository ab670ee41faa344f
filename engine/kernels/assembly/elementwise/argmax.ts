import { ArgmaxArguments } from '../../abi';

/** Bytes of the values whose maximum is compared with the largest so far. */
const PART: usize = 4096;

/** The index of the largest value of each of the rows first … last; −1 if a value is NaN or infinite. */
export function argmax(args: ArgmaxArguments, first: usize, last: usize): void {
  const rowBytes = <usize>args.width * sizeof<f32>();
  const indices = <usize>args.indices;
  for (let row = first; row < last; row++) {
    const x = <usize>args.x + row * rowBytes;
    store<i32>(indices + row * sizeof<i32>(), argmaxOfRow(x, x + rowBytes));
  }
}

function argmaxOfRow(x: usize, end: usize): i32 {
  let largest: f32 = -Infinity;
  let place = x;
  for (let part = x; part < end; part += PART) {
    const candidate = maximumIfFinite(part, min(part + PART, end));
    // False for NaN, too.
    if (!(candidate < Infinity)) return -1;
    if (candidate > largest) {
      largest = candidate;
      place = part;
    }
  }
  while (load<f32>(place) !== largest) place += sizeof<f32>();
  return <i32>((place - x) / sizeof<f32>());
}

/** The largest value, or NaN if a value is NaN or infinite. */
function maximumIfFinite(x: usize, end: usize): f32 {
  let even = f32x4.splat(-Infinity);
  let odd = even;
  // 0 times a finite value is 0, times any other NaN: the sum tells.
  let sum = f32x4.splat(0);
  const zero = sum;
  for (; x + 32 <= end; x += 32) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    even = f32x4.pmax(even, a);
    odd = f32x4.pmax(odd, b);
    sum = f32x4.add(sum, f32x4.mul(a, zero));
    sum = f32x4.add(sum, f32x4.mul(b, zero));
  }
  const lanes = f32x4.pmax(even, odd);
  let largest = max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
  let zeros =
    f32x4.extract_lane(sum, 0) +
    f32x4.extract_lane(sum, 1) +
    (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
  for (; x < end; x += sizeof<f32>()) {
    const value = load<f32>(x);
    largest = max(largest, value);
    zeros += value * 0;
  }
  return zeros === 0 ? largest : NaN;
}
