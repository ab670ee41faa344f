import { RopeArguments } from '../../abi';

/** Rotates every pair (d, d + headDim/2) of every head of the rows first … last in place. */
export function rope(args: RopeArguments, first: usize, last: usize): void {
  const heads = <usize>args.heads;
  const half = (<usize>args.headDim / 2) * sizeof<f32>();
  let x = <usize>args.x + first * heads * 2 * half;
  let cos = <usize>args.cos + first * half;
  let sin = <usize>args.sin + first * half;
  for (let row = first; row < last; row++) {
    for (let head: usize = 0; head < heads; head++) {
      rotate(x, half, cos, sin);
      x += 2 * half;
    }
    cos += half;
    sin += half;
  }
}

/** @param half bytes of half a head */
function rotate(x: usize, half: usize, cos: usize, sin: usize): void {
  let d: usize = 0;
  for (; d + 16 <= half; d += 16) {
    const a = v128.load(x + d);
    const b = v128.load(x + half + d);
    const c = v128.load(cos + d);
    const s = v128.load(sin + d);
    v128.store(x + d, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
    v128.store(x + half + d, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)));
  }
  for (; d < half; d += sizeof<f32>()) {
    const a = load<f32>(x + d);
    const b = load<f32>(x + half + d);
    const c = load<f32>(cos + d);
    const s = load<f32>(sin + d);
    store<f32>(x + d, a * c - b * s);
    store<f32>(x + half + d, b * c + a * s);
  }
}
