import { RmsNormArguments } from '../../abi';

/** y = x · (1 / √(mean of squares + eps)) · weight for the rows first … last; y may be x. */
export function rmsNorm(args: RmsNormArguments, first: usize, last: usize): void {
  const weight = <usize>args.weight;
  const width = <usize>args.width;
  const eps = <f32>args.eps;
  const rowBytes = width * sizeof<f32>();
  let x = <usize>args.x + first * rowBytes;
  let y = <usize>args.y + first * rowBytes;
  for (let row = first; row < last; row++) {
    const mean = sumOfSquares(x, width) / <f32>width;
    const scale: f32 = 1 / sqrt<f32>(mean + eps);
    const end = x + rowBytes;
    let w = weight;
    for (; x + 16 <= end; x += 16) {
      v128.store(y, f32x4.mul(f32x4.mul(v128.load(x), f32x4.splat(scale)), v128.load(w)));
      y += 16;
      w += 16;
    }
    for (; x < end; x += sizeof<f32>()) {
      store<f32>(y, load<f32>(x) * scale * load<f32>(w));
      y += sizeof<f32>();
      w += sizeof<f32>();
    }
  }
}

/** Four running sums over i mod 4: the lanes of a vector. */
function sumOfSquares(x: usize, width: usize): f32 {
  const end = x + width * sizeof<f32>();
  let sums = f32x4.splat(0);
  for (; x + 16 <= end; x += 16) {
    const values = v128.load(x);
    sums = f32x4.add(sums, f32x4.mul(values, values));
  }
  let s0 = f32x4.extract_lane(sums, 0);
  let s1 = f32x4.extract_lane(sums, 1);
  let s2 = f32x4.extract_lane(sums, 2);
  if (x < end) s0 += load<f32>(x) * load<f32>(x);
  if (x + 4 < end) s1 += load<f32>(x, 4) * load<f32>(x, 4);
  if (x + 8 < end) s2 += load<f32>(x, 8) * load<f32>(x, 8);
  return s0 + s1 + (s2 + f32x4.extract_lane(sums, 3));
}
