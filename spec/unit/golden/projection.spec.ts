import test from 'ava';
import seedrandom from 'seedrandom';
import { project } from '../../../golden/projection.ts';

const HALF = { seed: 'projections', count: 8 };

test('without projections the values are returned as they are', (t) => {
  t.deepEqual(project(Float32Array.of(1, 2, 3), 3), Float64Array.of(1, 2, 3));
});

test('a projection is a signed sum of the row over the root of its width', (t) => {
  const random = seedrandom.alea('s');
  const signs = Array.from({ length: 2 * 3 }, () => (random() < 0.5 ? -1 : 1));
  const rows = [1, 10, 100, -4, 0.5, 8];
  const expected = [0, 1].flatMap((row) =>
    [0, 1].map((j) => {
      const terms = [0, 1, 2].map((h) => signs[j * 3 + h] * rows[row * 3 + h]);
      return (terms[0] + terms[1] + terms[2]) / Math.sqrt(3);
    }),
  );
  t.deepEqual(project(rows, 3, { seed: 's', count: 2 }), Float64Array.from(expected));
});

test('projections keep the length of a difference, on average', (t) => {
  const width = 64;
  let ratio = 0;
  for (let row = 0; row < 200; row++) {
    const values = Float64Array.from({ length: width }, (_, h) => Math.sin(row * 3.1 + h * 1.9));
    const squares = (all: Float64Array) => all.reduce((sum, value) => sum + value * value, 0);
    ratio += (squares(project(values, width, HALF)) * width) / HALF.count / squares(values) / 200;
  }
  t.true(Math.abs(ratio - 1) < 0.15, `${ratio}`);
});

test('a difference in any one value shows in every projection', (t) => {
  const row = Float64Array.from({ length: 40 }, (_, h) => Math.cos(h));
  const before = project(row, 40, HALF);
  for (let h = 0; h < 40; h++) {
    const changed = row.slice();
    changed[h] += 0.01;
    const after = project(changed, 40, HALF);
    t.true(after.every((value, j) => Math.abs(Math.abs(value - before[j]) - 0.01 / Math.sqrt(40)) < 1e-12));
  }
});

test('two values that change places show', (t) => {
  const row = Float64Array.from({ length: 40 }, (_, h) => Math.cos(h));
  const swapped = row.slice();
  [swapped[3], swapped[30]] = [row[30], row[3]];
  const [before, after] = [project(row, 40, HALF), project(swapped, 40, HALF)];
  t.true(after.some((value, j) => Math.abs(value - before[j]) > 0.01));
});

test('another seed projects otherwise, the same seed alike, and each row like every other', (t) => {
  const row = Float64Array.from({ length: 40 }, (_, h) => Math.cos(h));
  const projected = project(row, 40, HALF);
  t.deepEqual(project([...row, ...row], 40, HALF), Float64Array.from([...projected, ...projected]));
  t.notDeepEqual(project(row, 40, { ...HALF, seed: 'other' }), projected);
});
