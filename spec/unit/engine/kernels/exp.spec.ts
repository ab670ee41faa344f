import test from 'ava';
import { expF32, exponentials, siluF32, softmax, sumByFour } from '../../../../engine/kernels/exp.ts';
import * as numerics from '../../../../engine/kernels/numerics.ts';
import { bitDifference } from './same-bits.ts';

/** The distance of neighbouring f32s around a value; below 2⁻¹²⁶ that of the denormals. */
function ulp(value: number): number {
  return 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(value)))) - 23);
}

/** The largest error of expF32 in ULP over evenly spaced f32s. */
function largestError(from: number, to: number, steps: number): number {
  let largest = 0;
  for (let i = 0; i <= steps; i++) {
    const x = Math.fround(from + ((to - from) * i) / steps);
    const exact = Math.exp(x);
    largest = Math.max(largest, Math.abs(expF32(x) - exact) / ulp(exact));
  }
  return largest;
}

test('expF32 is within 2 ULP of the true exp from the least denormal to the largest f32', (t) => {
  t.true(largestError(-103.9, 88.7228, 400_000) < 2);
  t.true(largestError(-1, 1, 400_000) < 2);
  t.true(largestError(-103.9, -87.4, 50_000) < 2, 'denormal results');
});

test('expF32 overflows to infinity, underflows to 0 and keeps NaN', (t) => {
  for (const [x, expected] of [
    [0, 1],
    [-0, 1],
    [1e-40, 1],
    [88.73, Infinity],
    [89, Infinity],
    [3.4e38, Infinity],
    [Infinity, Infinity],
    [-103.97, 2 ** -149],
    [-104, 0],
    [-3.4e38, 0],
    [-Infinity, 0],
    [NaN, NaN],
  ] as const) {
    t.is(expF32(Math.fround(x)), expected, `exp(${x})`);
  }
});

test('every number of the numerics is exactly an f32', (t) => {
  for (const [name, value] of Object.entries(numerics)) t.is(Math.fround(value), value, name);
});

test('LN2_HIGH times a whole number below 256 needs no rounding', (t) => {
  t.true(Number.isInteger(numerics.LN2_HIGH * 2 ** 15));
  t.true(Math.abs(numerics.LN2_HIGH + numerics.LN2_LOW - Math.LN2) < 2 ** -44);
});

test('siluF32 is x / (1 + exp(−x)) to 3 parts in 2²³', (t) => {
  for (let x = -87; x < 88; x += 0.013) {
    const value = Math.fround(x);
    const exact = value / (1 + Math.exp(-value));
    t.true(Math.abs(siluF32(value) - exact) <= Math.abs(exact) * 3 * 2 ** -23, `silu(${value})`);
  }
});

test('siluF32 has the limits its formula has', (t) => {
  t.is(siluF32(0), 0);
  t.is(siluF32(-0), -0);
  t.is(siluF32(-100), -0);
  t.is(siluF32(100), 100);
  t.is(siluF32(Infinity), Infinity);
  t.is(siluF32(-Infinity), NaN);
  t.is(siluF32(NaN), NaN);
});

test('sumByFour keeps four running sums and adds them in pairs', (t) => {
  const sum = (...terms: number[]) => sumByFour(terms.length, (i) => terms[i]);
  const big = 2 ** 24;
  t.is(sum(), 0);
  t.is(sum(big, 1, 1, 1), big + 2, 'one running sum would give 2²⁴');
  t.is(sum(big, 1, -big, 0), 0, 'adding sums 0 and 2 first would give 1');
  t.is(sum(big, 0, 0, 0, 1, 0, 0, 0, 1), big, 'sum 0 holds every fourth term, in ascending order');
});

test('exponentials subtracts the maximum and returns the sum', (t) => {
  const x = Float32Array.of(1000, 1000 - Math.fround(Math.LN2), -Infinity, 7);
  t.true(Math.abs(exponentials(x, 3) - 1.5) < 1e-4);
  t.is(x[0], 1);
  t.is(x[2], 0);
  t.is(x[3], 7, 'what lies beyond the length is left alone');
});

test('softmax divides each exponential by their sum', (t) => {
  const x = Float32Array.of(2, 2, 2, 2);
  softmax(x);
  t.is(bitDifference(x, Float32Array.of(0.25, 0.25, 0.25, 0.25)), undefined);
  const y = Float32Array.of(0.5, -1.25, 3, 0, 2.5);
  const exact = Array.from(y, Math.exp).map((e, _, all) => e / all.reduce((a, b) => a + b));
  softmax(y);
  for (const [i, p] of exact.entries()) t.true(Math.abs(y[i] - p) < 4 * 2 ** -24, `p[${i}]`);
});

test('softmax of a NaN, of only −∞ or of an ∞ is all NaN', (t) => {
  for (const values of [
    [1, NaN, 2],
    [-Infinity, -Infinity],
  ]) {
    const x = Float32Array.from(values);
    softmax(x);
    t.true(x.every(Number.isNaN), String(values));
  }
  const x = Float32Array.of(Infinity, 0);
  softmax(x);
  t.true(Number.isNaN(x[0]));
});
