import test from 'ava';
import { center, invert, median, rms, rmsError, rmsOfRows } from '../../../../verify/judge/statistics.ts';

test('the median of an even number of values is the mean of the middle two', (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(median([4, 1, 3, 2]), 2.5);
  t.is(median([]), Number.NaN);
});

test('the RMS is the root of the mean square', (t) => {
  t.is(rms([3, -4, 0, 0]), 2.5);
});

test('the RMS of each row is that of its own values', (t) => {
  t.deepEqual([...rmsOfRows(Float64Array.of(3, -4, 0, 0, 7), Int32Array.of(0, 4, 5))], [2.5, 7]);
});

test('the RMS error leaves out what all values have in common, and what comes after those that are asked for', (t) => {
  const truth = Float32Array.of(1, 2, 3, 4);
  t.is(rmsError(Float32Array.of(6, 7, 8, 40), truth, 3), 0);
  t.is(rmsError(Float32Array.of(6, 8, 40, 40), truth, 2), 0.5);
  t.is(rmsError(Float32Array.of(6, 8), truth.subarray(0, 2), 20), 0.5);
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
    ]).map((row) => Array.from(row, (value) => Number(value.toFixed(6)))),
    [
      [0.5, 0],
      [0, 0],
    ],
  );
});
