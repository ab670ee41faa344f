import { AddArguments, AddScaledArguments, SiluMultiplyArguments } from '../../abi';
import { exp } from './exp';

/** gate[i] = silu(gate[i]) · up[i] for the i of first … last. */
export function siluMultiply(args: SiluMultiplyArguments, first: usize, last: usize): void {
  let gate = <usize>args.gate + first * sizeof<f32>();
  let up = <usize>args.up + first * sizeof<f32>();
  const end = gate + (last - first) * sizeof<f32>();
  for (; gate + 16 <= end; gate += 16) {
    v128.store(gate, f32x4.mul(silu(v128.load(gate)), v128.load(up)));
    up += 16;
  }
  for (; gate < end; gate += sizeof<f32>()) {
    const gated = f32x4.extract_lane(silu(v128.load32_splat(gate)), 0);
    store<f32>(gate, gated * load<f32>(up));
    up += sizeof<f32>();
  }
}

function silu(x: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))));
}

/** x[i] += y[i] for the i of first … last. */
export function add(args: AddArguments, first: usize, last: usize): void {
  let x = <usize>args.x + first * sizeof<f32>();
  let y = <usize>args.y + first * sizeof<f32>();
  const end = x + (last - first) * sizeof<f32>();
  for (; x + 16 <= end; x += 16) {
    v128.store(x, f32x4.add(v128.load(x), v128.load(y)));
    y += 16;
  }
  for (; x < end; x += sizeof<f32>()) {
    store<f32>(x, load<f32>(x) + load<f32>(y));
    y += sizeof<f32>();
  }
}

/** x[i] += scale · y[i] for the i of first … last. */
export function addScaled(args: AddScaledArguments, first: usize, last: usize): void {
  const scale = <f32>args.scale;
  let x = <usize>args.x + first * sizeof<f32>();
  let y = <usize>args.y + first * sizeof<f32>();
  const end = x + (last - first) * sizeof<f32>();
  for (; x + 16 <= end; x += 16) {
    v128.store(x, f32x4.add(v128.load(x), f32x4.mul(f32x4.splat(scale), v128.load(y))));
    y += 16;
  }
  for (; x < end; x += sizeof<f32>()) {
    store<f32>(x, load<f32>(x) + scale * load<f32>(y));
    y += sizeof<f32>();
  }
}
