import test from 'ava';
import { center, invert, median, rms } from '../../../../verify/judge/statistics.ts';

test('the median of an even number of values is the mean of the middle two', (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(median([4, 1, 3, 2]), 2.5);
  t.is(median([]), Number.NaN);
});

test('the RMS is the root of the mean square', (t) => {
  t.is(rms([3, -4, 0, 0]), 2.5);
});

test('centred values have the mean zero and keep their differences', (t) => {
  t.deepEqual([...center(Float64Array.of(1, 2, 6))], [-2, -1, 3]);
});

test('a matrix times its inverse is the identity, whatever its scales', (t) => {
  const matrix = [
    [4e6, 1e3, 0],
    [1e3, 2, 0.5],
    [0, 0.5, 3e-2 + 0.2],
  ];
  const inverse = invert(matrix);
  for (const [i, row] of matrix.entries()) {
    for (let j = 0; j < 3; j++) {
      const value = row.reduce((sum, x, k) => sum + x * inverse[k][j], 0);
      t.true(Math.abs(value - (i === j ? 1 : 0)) < 1e-4, `[${i}, ${j}] is ${value}`);
    }
  }
});

test('a regressor of zeros has a coefficient of zero', (t) => {
  t.deepEqual(
    invert([
      [2, 0],
      [0, 0],
    ]).map((row) => row.map((value) => Number(value.toFixed(6)))),
    [
      [0.5, 0],
      [0, 0],
    ],
  );
});
