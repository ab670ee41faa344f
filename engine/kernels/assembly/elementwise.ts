import { exp } from './exp';
// biome-ignore lint/style/useImportType: AssemblyScript has no import type.
import { argument, Job } from './job';

/** gate[i] = silu(gate[i]) · up[i] for the i of first … last. The arguments are gate, up. */
export function siluMultiply(job: usize, first: usize, last: usize): void {
  let gate = argument(job, 0) + first * sizeof<f32>();
  let up = argument(job, 1) + first * sizeof<f32>();
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

/** x[i] += y[i] for the i of first … last. The arguments are x, y. */
export function add(job: usize, first: usize, last: usize): void {
  let x = argument(job, 0) + first * sizeof<f32>();
  let y = argument(job, 1) + first * sizeof<f32>();
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

/** x[i] += scale · y[i] for the i of first … last. The arguments are x, y; the job's factor is the scale. */
export function addScaled(job: usize, first: usize, last: usize): void {
  const scale = changetype<Job>(job).factor;
  let x = argument(job, 0) + first * sizeof<f32>();
  let y = argument(job, 1) + first * sizeof<f32>();
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
