import test from 'ava';
import { quantizeQ4, quantizeQ8, quantizeSymmetric } from '../../../../verify/reference/weight-blocks.ts';
import { normals } from '../judge/synthetic.ts';

const next = normals('blocks');
const values = () => Float32Array.from({ length: 64 }, next);

for (const [name, quantize, most] of [
  ['q8_0', quantizeQ8, 127],
  ['symmetric 8 bit', (x: Float32Array) => quantizeSymmetric(x, 127), 127],
  ['symmetric 4 bit', (x: Float32Array) => quantizeSymmetric(x, 7), 7],
] as const) {
  test(`${name}: each value is a whole number of its block's scale, about half of one off at most`, (t) => {
    const original = values();
    const stored = original.slice();
    quantize(stored);
    for (const begin of [0, 32]) {
      const block = stored.subarray(begin, begin + 32);
      const largest = original.subarray(begin, begin + 32).reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      const scale = block.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / most;
      t.true(Math.abs(scale * most - largest) < 1e-3 * largest);
      for (const [i, value] of block.entries()) {
        const quant = value / scale;
        t.true(Math.abs(quant - Math.round(quant)) < 1e-3, `${value} is ${quant} scales`);
        // Half a level, and what rounding the scale to f16 moves 127 of them by.
        t.true(Math.abs(value - original[begin + i]) < 0.57 * scale);
      }
    }
  });
}

test('q4_0: the value of largest magnitude is eight scales, and there are sixteen levels', (t) => {
  const original = values();
  const stored = original.slice();
  quantizeQ4(stored);
  const extreme = original.subarray(0, 32).reduce((max, x) => (Math.abs(x) > Math.abs(max) ? x : max), 0);
  const scale = extreme / -8;
  for (const [i, value] of stored.subarray(0, 32).entries()) {
    const quant = value / scale;
    t.true(Math.abs(quant - Math.round(quant)) < 2e-2 && quant > -8.02 && quant < 7.02, `${quant}`);
    // The level opposite the extreme is missing: what would be 8 is 7.
    t.true(Math.abs(value - original[i]) < Math.abs(scale) * 1.01);
  }
});

test('a block whose scale is rounded down has no quants beyond those of its format', (t) => {
  // 178 / 127 of the least f16 is rounded to the least f16: quants of ±178 are cut to -128 and 127.
  const least = 2 ** -24;
  const block = Float32Array.of(178 * least, -178 * least, 5 * least);
  quantizeSymmetric(block, 127);
  t.deepEqual([...block], [127 * least, -128 * least, 5 * least]);
});

test('a block of zeros stays so, and a block that is not full has a scale of its own', (t) => {
  for (const quantize of [quantizeQ8, quantizeQ4, (x: Float32Array) => quantizeSymmetric(x, 7)]) {
    const zeros = new Float32Array(40);
    zeros[39] = 3;
    quantize(zeros);
    t.deepEqual([...zeros.subarray(0, 39)].map(Math.abs), new Array(39).fill(0));
    t.true(Math.abs(zeros[39] - 3) < 2e-3);
  }
});
