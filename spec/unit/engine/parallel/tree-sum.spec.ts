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

/** `((a+b)+(c+d))+…`, each addition rounded to f32. */
function treeOf(values: readonly number[]): number {
  if (values.length === 1) return values[0];
  const half = values.length / 2;
  return Math.fround(treeOf(values.slice(0, half)) + treeOf(values.slice(half)));
}

test('any power of two of vectors is added as ((a+b)+(c+d))+…, into any of them', (t) => {
  const float = fc.float({ noNaN: true, noDefaultInfinity: true });
  const vectors = fc
    .tuple(fc.constantFrom(1, 2, 4, 8, 16), fc.integer({ min: 0, max: 9 }))
    .chain(([size, n]) =>
      fc.array(fc.array(float, { minLength: n, maxLength: n }), { minLength: size, maxLength: size }),
    );
  fc.assert(
    fc.property(vectors, fc.nat({ max: 15 }), (rows, place) => {
      const parts = rows.map((row) => Float32Array.from(row));
      const out = parts[place % parts.length];
      sumTree(parts, out);
      for (const [i, sum] of out.entries()) {
        const expected = treeOf(rows.map((row) => row[i]));
        if (!Object.is(sum, expected)) {
          throw new Error(`${rows.length} ranks, value ${i}: got ${sum}, expected ${expected}`);
        }
      }
    }),
    { seed: 20261122, numRuns: 300 },
  );
  t.pass();
});
