import test from 'ava';
import { widen } from '../../../../engine/index.ts';
import {
  ditheredBf16,
  ditheredF16,
  type Round,
  roundToBf16,
  roundToF16,
} from '../../../../verify/reference/rounding.ts';
import { normals } from '../judge/synthetic.ts';

const rounded = (round: Round, values: readonly number[]) => {
  const array = Float32Array.from(values);
  round(array);
  return [...array];
};

test('bf16 keeps eight bits of mantissa, to nearest, ties to even', (t) => {
  t.deepEqual(rounded(roundToBf16, [1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -1.01, 0, -0]), [
    1,
    1,
    1 + 2 ** -6,
    1 + 2 ** -7,
    -1.0078125,
    0,
    -0,
  ]);
});

test('infinities and NaN stay what they are', (t) => {
  for (const round of [roundToBf16, ditheredBf16(1)])
    t.deepEqual(rounded(round, [Infinity, -Infinity, NaN]), [Infinity, -Infinity, NaN]);
  t.deepEqual(rounded(roundToF16, [Infinity, -Infinity, NaN]), [Infinity, -Infinity, NaN]);
});

test('every float16 is its own rounding, and the middle of two goes to the even one', (t) => {
  const all = widen('F16', new Uint8Array(Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits).buffer));
  // One by one: showing how two arrays of this length differ takes minutes.
  const wrong = rounded(roundToF16, [...all]).findIndex((value, i) => value !== all[i]);
  t.is(wrong, -1, `${all[wrong]} is changed`);
  const middles = Array.from(all.subarray(1), (value, i) => (value + all[i]) / 2);
  const off = rounded(roundToF16, middles).findIndex((value, i) => value !== all[i % 2 === 0 ? i : i + 1]);
  t.is(off, -1, `the middle ${middles[off]}`);
  t.deepEqual(rounded(roundToF16, [65519, 65520, -70000]), [65504, Infinity, -Infinity]);
});

for (const [name, nearest, dithered] of [
  ['bf16', roundToBf16, ditheredBf16],
  ['f16', roundToF16, ditheredF16],
] as const) {
  test(`dithered ${name} is another draw of the same noise`, (t) => {
    const next = normals(name);
    const values = Float32Array.from({ length: 20000 }, () => 1 + 0.9 * Math.tanh(next()));
    const errors = [nearest, dithered(1), dithered(2)].map((round) => {
      const copy = values.slice();
      round(copy);
      return copy.map((value, i) => value - values[i]);
    });
    const power = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i], 0);
    const ratio = Math.sqrt(power(errors[1], errors[1]) / power(errors[0], errors[0]));
    t.true(ratio > 1.08 && ratio < 1.17, `${ratio} times as large`);
    const correlation = power(errors[1], errors[2]) / power(errors[1], errors[1]);
    t.true(correlation < 0.9, `correlation ${correlation}`);
    const again = values.slice();
    dithered(1)(again);
    t.deepEqual(
      again.map((value, i) => value - values[i]),
      errors[1],
      'the same seed gives the same bits',
    );
  });
}

/** The first numbers of xorshift32 from 1 (Marsaglia 2003, shifts 13, 17, 5). */
const XORSHIFT32 = [270369, 67634689, 2647435461, 307599695, 2398689233, 745495504];

for (const [name, dithered, keptBits, dither] of [
  // Half of the bits that are dropped is 0x8000, and the random part is centred on 0x4000.
  ['bf16', ditheredBf16, 7, (random: number) => 0x4000 + (random >>> 17)],
  ['f16', ditheredF16, 10, (random: number) => 0x800 + (random >>> 20)],
] as const) {
  test(`dithered ${name} rounds up from the point that the next random number gives`, (t) => {
    const dropped = 2 ** (23 - keptBits);
    const thresholds = XORSHIFT32.map((random) => dropped - dither(random));
    const roundedFrom = (offset: number) =>
      rounded(
        dithered(1),
        thresholds.map((threshold) => 1 + (threshold + offset) * 2 ** -23),
      );
    t.deepEqual(roundedFrom(0), new Array(thresholds.length).fill(1 + 2 ** -keptBits));
    t.deepEqual(roundedFrom(-1), new Array(thresholds.length).fill(1));
  });
}
