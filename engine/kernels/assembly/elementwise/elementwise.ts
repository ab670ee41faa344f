import { AddArguments, AddScaledArguments, SiluMultiplyArguments } from '../../abi';
import { Exp } from './exp';

/** Bytes that are computed at once. */
const STEP: usize = 32;

/** gate[i] = silu(gate[i]) · up[i] for the i of first … last. */
export function siluMultiply(args: SiluMultiplyArguments, first: usize, last: usize, scratch: usize): void {
  const gate = <usize>args.gate + first * sizeof<f32>();
  const up = <usize>args.up + first * sizeof<f32>();
  const bytes = (last - first) * sizeof<f32>();
  const whole = (bytes / STEP) * STEP;
  replaceBySilu(gate, gate + whole, up);
  if (whole === bytes) return;
  // The rest is computed where there is room for a whole step.
  memory.copy(scratch, gate + whole, bytes - whole);
  memory.copy(scratch + STEP, up + whole, bytes - whole);
  replaceBySilu(scratch, scratch + STEP, scratch + STEP);
  memory.copy(gate + whole, scratch, bytes - whole);
}

/** Exported by index.ts, as the tiles are, so that V8 fuses its vectors. */
export function replaceBySilu(gate: usize, end: usize, up: usize): void {
  Exp.replace(true, gate, end, 0, up);
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
