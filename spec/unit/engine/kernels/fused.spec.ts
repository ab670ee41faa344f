import test from 'ava';
import { fusedMultiplyAdd } from '../../../../engine/kernels/fused.ts';
import { arrayOf, FLAVOURS } from './arrays.ts';

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** A finite f32 as a multiple of 2⁻¹⁴⁹. */
function multiple(value: number): bigint {
  float[0] = value;
  const exponent = (bits[0] >>> 23) & 0xff;
  const mantissa = (bits[0] & 0x7fffff) | (exponent > 0 ? 0x800000 : 0);
  const magnitude = BigInt(mantissa) << BigInt(Math.max(exponent, 1) - 1);
  return bits[0] < 0 ? -magnitude : magnitude;
}

/** a · b + c of finite f32s in whole numbers, rounded to f32 once. An exact 0 has no sign. */
function exactly(a: number, b: number, c: number): number {
  // In units of 2⁻²⁹⁸.
  const sum = multiple(a) * multiple(b) + (multiple(c) << 149n);
  const magnitude = sum < 0n ? -sum : sum;
  // The unit of the last place: 24 bits, but not below the denormals' 2⁻¹⁴⁹.
  const unit = BigInt(Math.max(magnitude.toString(2).length - 24, 149));
  const [whole, rest, half] = [magnitude >> unit, magnitude & ((1n << unit) - 1n), 1n << (unit - 1n)];
  const rounded = whole + BigInt(rest > half || (rest === half && whole % 2n === 1n));
  // A sum of 2¹²⁸ and more is infinity.
  const result = Math.fround(Number(rounded) * 2 ** (Number(unit) - 298));
  return sum < 0n ? -result : result;
}

for (const flavour of FLAVOURS) {
  test(`a fused multiply-add of ${flavour} values is the exact sum, rounded once`, (t) => {
    const [a, b, c] = [1, 2, 3].map((seed) => arrayOf(5000, seed, flavour));
    for (let i = 0; i < a.length; i++) {
      // Sums that cancel, and sums of which the product is the rounding error, decide.
      for (const summand of [c[i], Math.fround(-a[i] * b[i]), Math.fround(a[i] * b[i] * 2 ** 24)]) {
        const result = fusedMultiplyAdd(a[i], b[i], summand);
        if (![a[i], b[i], summand].every(Number.isFinite)) {
          t.is(result, Math.fround(a[i] * b[i] + summand));
        } else if (result !== exactly(a[i], b[i], summand)) {
          t.fail(`${a[i]} · ${b[i]} + ${summand}: ${result}, expected ${exactly(a[i], b[i], summand)}`);
        }
      }
    }
    t.pass();
  });
}

test('a sum that rounding to f64 would move to a tie is rounded to the right side', (t) => {
  // 1 + 2⁻²⁴ is a tie of f32; the product adds or takes 2⁻⁶⁰, which f64 cannot hold beside it.
  const tie = 1 + 2 ** -23;
  const half = 2 ** -24;
  t.is(fusedMultiplyAdd(half, 1, 1), 1);
  t.is(fusedMultiplyAdd(half, Math.fround(1 + 2 ** -23), 1), tie);
  t.is(Math.fround(half * 1 + 1), 1);
  const [a, b] = [Math.fround(2 ** -12 * (1 + 2 ** -20)), Math.fround(2 ** -12 * (1 - 2 ** -20))];
  // a · b = 2⁻²⁴ − 2⁻⁶⁴: f64 rounds 1 + a · b to the tie, and the tie to 1; here it is 1, too, from below.
  t.is(fusedMultiplyAdd(a, b, 1), 1);
  // From above: beside an odd last bit, the tie goes up, the exact sum down.
  t.is(Math.fround(a * b + tie), 1 + 2 ** -22);
  t.is(fusedMultiplyAdd(a, b, tie), tie);
  // (1 + x)(1 − x + x²) = 1 + x³: the product is 2⁻²⁴ + 2⁻⁶⁰, and the tie would go down to 1.
  const [c, d] = [2 ** -12 * (1 + 2 ** -12), 2 ** -12 * (1 - 2 ** -12 + 2 ** -24)];
  t.is(Math.fround(c * d + 1), 1);
  t.is(fusedMultiplyAdd(c, d, 1), tie);
  t.is(fusedMultiplyAdd(-c, d, -1), -tie);
  // Denormals: the lower half of the f64 is 0, so that the next one towards 0 borrows from the upper half.
  const denormal = 2 ** -130 + 2 ** -149;
  t.is(fusedMultiplyAdd(2 ** -63 * a, 2 ** -63 * b, denormal), denormal);
  t.is(fusedMultiplyAdd(-(2 ** -63) * a, 2 ** -63 * b, -denormal), -denormal);
  // Halfway to 2¹²⁸, which is infinity in f32; the exact sum is below.
  const largest = 2 ** 128 - 2 ** 104;
  t.is(Math.fround(2 ** 64 * a * 2 ** 63 * b + largest), Infinity);
  t.is(fusedMultiplyAdd(2 ** 64 * a, 2 ** 63 * b, largest), largest);
  t.is(fusedMultiplyAdd(2 ** 64 * c, 2 ** 63 * d, largest), Infinity);
});

test('the sign of 0 is that of the exact sum', (t) => {
  t.is(fusedMultiplyAdd(-0, 1, 0), 0);
  t.is(fusedMultiplyAdd(-0, 1, -0), -0);
  t.is(fusedMultiplyAdd(1, 1, -1), 0);
  // Not 0, but too small for an f32.
  t.is(fusedMultiplyAdd(2 ** -100, -(2 ** -100), 0), -0);
});
