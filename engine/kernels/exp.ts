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
} from './numerics.ts';
import { floatFromBits } from './widen.ts';

const f = Math.fround;

/** 2ⁿ for −126 ≤ n ≤ 127. */
function powerOfTwo(n: number): number {
  return floatFromBits((n + 127) << 23);
}

/**
 * exp of an f32 as the numerics in `kernels.ts` define it: within 2 ULP of eˣ, and the same bits everywhere.
 */
export function expF32(x: number): number {
  const clamped = Math.max(EXP_LOWEST, Math.min(EXP_HIGHEST, x));
  const n = f(f(f(clamped * LOG2_E) + ROUNDER) - ROUNDER);
  const r = f(f(clamped - f(n * LN2_HIGH)) - f(n * LN2_LOW));
  let tail = f(f(C6 * r) + C5);
  tail = f(f(tail * r) + C4);
  tail = f(f(tail * r) + C3);
  tail = f(f(tail * r) + C2);
  const e = f(f(f(tail * f(r * r)) + r) + 1);
  // In two steps, because 2ⁿ is not a normal f32 at either end; only the second product can round.
  const half = n >> 1;
  return f(f(e * powerOfTwo(half)) * powerOfTwo(n - half));
}

/** SiLU of an f32: x / (1 + exp(−x)). */
export function siluF32(x: number): number {
  return f(x / f(1 + expF32(-x)));
}

/** Four running sums over i mod 4 of the terms 0 … length − 1, then (s₀ + s₁) + (s₂ + s₃). */
export function sumByFour(length: number, term: (i: number) => number): number {
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < length; i++) sums[i % 4] = f(sums[i % 4] + term(i));
  return f(f(sums[0] + sums[1]) + f(sums[2] + sums[3]));
}

/**
 * Replaces each of the first `length` values by exp(value − maximum).
 *
 * @returns their sum, the denominator of a softmax.
 */
export function exponentials(x: Float32Array, length: number): number {
  let max = -Infinity;
  for (let i = 0; i < length; i++) max = Math.max(max, x[i]);
  for (let i = 0; i < length; i++) x[i] = expF32(f(x[i] - max));
  return sumByFour(length, (i) => x[i]);
}

/** Softmax in place, as attention does it, for the few values of a router. */
export function softmax(x: Float32Array): void {
  const denominator = exponentials(x, x.length);
  for (let i = 0; i < x.length; i++) x[i] = x[i] / denominator;
}
