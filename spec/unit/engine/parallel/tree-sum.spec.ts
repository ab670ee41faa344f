import test from 'ava';
import fc from 'fast-check';
import { isPowerOfTwo, sumTree } from '../../../../engine/parallel/tree-sum.ts';

test('powers of two form a balanced tree', (t) => {
  t.deepEqual([0, 1, 2, 3, 4, 6, 8, 12, 16].filter(isPowerOfTwo), [1, 2, 4, 8, 16]);
});

test('four vectors are added in pairs, each addition rounded to f32', (t) => {
  // 2^24 + 1 rounds back to 2^24; in any other order the ones would add up first.
  const parts = [2 ** 24, 1, 1, 1].map((value) => Float32Array.of(value));
  const out = new Float32Array(1);
  sumTree(parts, out);
  t.is(out[0], 2 ** 24 + 2);
});

test('the sum of one vector is that vector', (t) => {
  const out = new Float32Array(2);
  sumTree([Float32Array.of(1, -0)], out);
  t.deepEqual(out, Float32Array.of(1, -0));
  sumTree([out], out);
  t.deepEqual(out, Float32Array.of(1, -0));
});

test('eight vectors are added as ((a+b)+(c+d))+((e+f)+(g+h)), into any of them', (t) => {
  const float = fc.float({ noNaN: true, noDefaultInfinity: true });
  const vectors = fc
    .integer({ min: 0, max: 9 })
    .chain((n) => fc.array(fc.array(float, { minLength: n, maxLength: n }), { minLength: 8, maxLength: 8 }));
  const add = (a: number, b: number) => Math.fround(a + b);
  fc.assert(
    fc.property(vectors, fc.nat({ max: 7 }), (rows, place) => {
      const expected = rows[0].map((_, i) => {
        const [a, b, c, d, e, f, g, h] = rows.map((row) => row[i]);
        return add(add(add(a, b), add(c, d)), add(add(e, f), add(g, h)));
      });
      const parts = rows.map((row) => Float32Array.from(row));
      sumTree(parts, parts[place]);
      t.deepEqual(parts[place], Float32Array.from(expected));
    }),
    { seed: 20261122, numRuns: 200 },
  );
});
