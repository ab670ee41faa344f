import test from 'ava';
import { expF32 } from '../../../../engine/kernels/exp.ts';
import { fusedMultiplyAdd } from '../../../../engine/kernels/fused.ts';
import {
  type Kernels,
  type PackedMatrix,
  scoresLength,
  tablesLength,
} from '../../../../engine/kernels/kernels.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';

// Examples small enough to work out by hand, for both implementations: they pin the formulae and the order
// of additions that the comments of kernels.ts promise.

const wasm = await createWasmKernels();
test.after.always(() => wasm.dispose());

for (const kernels of [createScalarKernels(), wasm]) {
  const title = (fact: string) => `${kernels.name}: ${fact}`;
  const array = (...values: number[]) => {
    const copy = kernels.allocate(values.length);
    copy.set(values);
    return copy;
  };

  test(title('matmul multiplies rows by the transposed weights'), (t) => {
    const matrix = packF32(kernels, [
      [1, 2, 3],
      [-4, 5, 0.5],
    ]);
    const y = kernels.allocate(4);
    kernels.matmul(array(1, 10, 100, 2, 0, -2), 2, matrix, y);
    t.deepEqual([...y], [321, 96, -4, -9]);
  });

  test(title('matmul adds its leaves as a balanced tree of adjacent leaves'), (t) => {
    const big = 2 ** 24;
    t.is(sum(kernels, [big, 1, 1, 1, 1, 1, 1, 1]), big + 6, 'one after the other: 2²⁴');
    t.is(sum(kernels, [big, 1, 0, 0, -big, 0, 0, 0]), 0, 'leaves four apart first: 1');
    t.is(sum(kernels, [big, 1, -big, 0, 0, 0, 0, 0]), 0, 'leaves two apart first: 1');
    t.is(sum(kernels, [0, 0, 0, 0, big, 1, 1, 0]), big, 'leaves 5 and 6 first: 2²⁴ + 2');
  });

  test(title('matmul sums a leaf in ascending order, and leaves of ⌈K/8⌉ come first'), (t) => {
    const big = 2 ** 24;
    // K = 9: the leaves are {0,1} {2,3} {4,5} {6,7} {8} and three empty ones.
    t.is(sum(kernels, [big, 0, 0, 0, 1, 0, 0, 0, 1]), big, 'leaves of one and a longer last one: 2²⁴ + 2');
    t.is(sum(kernels, [0, 0, 0, 0, big, 1, 1, 0, 0]), big, 'a longer first leaf and seven of one: 2²⁴ + 2');
    t.is(sum(kernels, [1, big, -big, ...zeros(21)]), 0, 'K = 24, a leaf of three in descending order: 1');
  });

  test(title('a sum begins at +0, so that −0 does not survive it'), (t) => {
    t.is(sum(kernels, [-0, -0, -0]), 0);
  });

  test(title('matmul and attention fuse products and sums, all else rounds them one by one'), (t) => {
    // (1 + 2⁻¹²)² = 1 + 2⁻¹¹ + 2⁻²⁴, and the last term is lost when the product is rounded.
    const x = 1 + 2 ** -12;
    const matrix = packF32(kernels, [[-1, x, ...zeros(14)]]);
    const y = kernels.allocate(1);
    kernels.matmul(array(1 + 2 ** -11, x, ...zeros(14)), 1, matrix, y);
    t.is(y[0], 2 ** -24);
    const attend = (scale: number, values: number[]) => {
      const out = array(0, 0);
      const shape = { blockSize: 2, numKeyValueHeads: 1, numAttentionHeads: 1, headDim: 2 };
      // The first position's score is 2⁻²⁴ · scale, the second's 0. Keys lie as [headDim, positions].
      kernels.attention({
        ...{ ...shape, sequences: [{ rows: 1, startPosition: 1, blockTable: [0] }] },
        ...{ q: array(1, x), keys: array(-(1 + 2 ** -11), 0, x, 0), values: array(...values), out, scale },
        scores: kernels.allocate(scoresLength(1, 2)),
        tables: kernels.allocateInt32(tablesLength(1, 1)),
      });
      return [...out];
    };
    t.deepEqual(attend(2 ** 40, [3, 4, 5, 6]), [3, 4], 'all weight is on the first position');
    // The second position has this weight; a value whose product with it is not exact.
    const p = expF32(-0.5);
    const rounded = (value: number) => Math.fround(1 + Math.fround(p * value));
    const value = array(...Array.from({ length: 100 }, (_, i) => 1 + i / 100)).find(
      (candidate) => fusedMultiplyAdd(p, candidate, 1) !== rounded(candidate),
    );
    t.truthy(value);
    const fused = Math.fround(fusedMultiplyAdd(p, value!, 1) / Math.fround(1 + p));
    t.is(attend(2 ** 23, [1, 0, value!, 0])[0], fused);
    const sums = array(-(1 + 2 ** -11));
    kernels.addScaled(sums, array(x), x, 1);
    t.is(sums[0], 0);
  });

  test(title('gather widens rows in the order of the ids'), (t) => {
    const y = kernels.allocate(6);
    const rows = Array.from({ length: 11 }, (_, n) => [n, -n]);
    kernels.gather(packF32(kernels, rows), [10, 0, 7], y);
    t.deepEqual([...y], [10, -10, 0, -0, 7, -7]);
  });

  test(title('rmsNorm divides by the root of the mean square and eps, then multiplies by the gains'), (t) => {
    const x = array(2, -2, 2, -2, 2, 0, 0, 0, 0, 0);
    const y = kernels.allocate(10);
    kernels.rmsNorm({ x, rows: 2, weight: array(1, 2, 3, 4, 5), eps: 12, y });
    t.deepEqual([...y.subarray(0, 5)], [0.5, -1, 1.5, -2, 2.5]);
    t.deepEqual([...y.subarray(5)], [0, 0, 0, 0, 0]);
    kernels.rmsNorm({ x, rows: 2, weight: array(1, 2, 3, 4, 5), eps: 12, y: x });
    t.deepEqual(x, y, 'in place');
  });

  test(title('rmsNorm multiplies by the reciprocal root first and by the gain last'), (t) => {
    // x · gain would overflow in the first case, root · gain would vanish in the second.
    for (const gain of [2 ** 100, 2 ** -100]) {
      const x = array(2 ** 63);
      kernels.rmsNorm({ x, rows: 1, weight: array(gain), eps: 0, y: x });
      t.is(x[0], gain);
    }
  });

  test(title('rope turns the pair of a dimension and the one half a head on'), (t) => {
    // Two rows of two heads of four dimensions: the first row by a quarter, the second not at all.
    const x = array(1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8);
    kernels.rope({ x, rows: 2, heads: 2, headDim: 4, cos: array(0, 0, 1, 1), sin: array(1, 1, 0, 0) });
    t.deepEqual([...x], [-3, -4, 1, 2, -7, -8, 5, 6, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test(title('storeKeyValue lays keys out by dimension and values by position'), (t) => {
    const [keys, values] = [kernels.allocate(24), kernels.allocate(24)];
    // The last slot of block 2 and the first of block 0, of two heads of two dimensions.
    const slots = kernels.allocateInt32(2);
    slots.set([5, 0]);
    const cache = { keys, values, blockSize: 2, numKeyValueHeads: 2, headDim: 2 };
    kernels.storeKeyValue({
      ...cache,
      rows: 2,
      slots,
      k: array(1, 2, 3, 4, 5, 6, 7, 8),
      v: array(10, 20, 30, 40, 50, 60, 70, 80),
    });
    t.deepEqual([...keys], [5, 0, 6, 0, 7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4]);
    t.deepEqual(
      [...values],
      [50, 60, 0, 0, 70, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 20, 0, 0, 30, 40],
    );
  });

  test(
    title('attention averages what scores alike, sees no later position, and shares keys by group'),
    (t) => {
      const args = {
        // Two positions; four heads read two key and value heads. All scores are 0.
        q: kernels.allocate(16),
        out: kernels.allocate(16),
        keys: kernels.allocate(8),
        values: array(1, 2, 3, 4, 10, 20, 30, 40),
        sequences: [{ rows: 2, startPosition: 0, blockTable: [0] }],
        blockSize: 2,
        numAttentionHeads: 4,
        numKeyValueHeads: 2,
        headDim: 2,
        scale: 1,
        scores: kernels.allocate(scoresLength(1, 2)),
        tables: kernels.allocateInt32(tablesLength(1, 1)),
      };
      kernels.attention(args);
      t.deepEqual([...args.out.subarray(0, 8)], [1, 2, 1, 2, 10, 20, 10, 20], 'position 0');
      t.deepEqual([...args.out.subarray(8)], [2, 3, 2, 3, 20, 30, 20, 30], 'position 1');
    },
  );

  test(title('attention weighs by the exponential of the scaled score'), (t) => {
    const out = kernels.allocate(2);
    kernels.attention({
      q: array(1, 2),
      out,
      // Key 0 is (0, 0), key 1 is (ln 4, ln 4): its score is 3 ln 4 · ⅓ = ln 4.
      keys: array(0, Math.log(4), 0, Math.log(4)),
      values: array(1, 0, 0, 1),
      sequences: [{ rows: 1, startPosition: 1, blockTable: [0] }],
      blockSize: 2,
      numAttentionHeads: 1,
      numKeyValueHeads: 1,
      headDim: 2,
      scale: 1 / 3,
      scores: kernels.allocate(scoresLength(1, 2)),
      tables: kernels.allocateInt32(tablesLength(1, 1)),
    });
    t.true(Math.abs(out[0] - 0.2) < 1e-7, `${out[0]}`);
    t.true(Math.abs(out[1] - 0.8) < 2e-7, `${out[1]}`);
  });

  test(title('siluMultiply, add and addScaled change their first array alone, up to the length'), (t) => {
    const y = array(1, 2, 3, 4, 5, 6, 7);
    const x = array(1, 1, 1, 1, 1, 1, 1);
    kernels.add(x, y, 6);
    t.deepEqual([...x], [2, 3, 4, 5, 6, 7, 1]);
    kernels.addScaled(x, y, -2, 5);
    t.deepEqual([...x], [0, -1, -2, -3, -4, 7, 1]);
    const gate = array(0, 100, 100, 100, 100, 100, 100);
    kernels.siluMultiply(gate, y, 6);
    t.deepEqual([...gate], [0, 200, 300, 400, 500, 600, 100]);
    t.deepEqual([...y], [1, 2, 3, 4, 5, 6, 7]);
    kernels.add(y, y, 7);
    t.deepEqual([...y], [2, 4, 6, 8, 10, 12, 14], 'an array can be added to itself');
  });

  test(title('argmax is the first of the largest values of a row, and -1 if one is not finite'), (t) => {
    const indices = kernels.allocateInt32(3).fill(7);
    const rows = [-3, -1, -2, -1, 0, -0, -0, 0];
    kernels.argmax(array(...rows, 5, 5, 5, 5), 2, 4, indices);
    t.deepEqual([...indices], [1, 0, 7]);
    kernels.argmax(array(-(2 ** 127), 2 ** 127), 2, 1, indices);
    t.deepEqual([...indices], [0, 0, 7]);
    // More than one part of 1,024 values, the last of them not a multiple of a vector.
    const long = Array.from({ length: 2059 }, (_, i) => -i);
    for (const place of [0, 1023, 1024, 2047, 2048, 2055, 2056, 2058]) {
      kernels.argmax(array(...long.with(place, 3).with(2058, 3)), 1, 2059, indices);
      t.is(indices[0], place, `the largest of 2,059 values is at ${place}`);
      for (const value of [NaN, Infinity, -Infinity]) {
        kernels.argmax(array(...long.with(place, value)), 1, 2059, indices);
        t.is(indices[0], -1, `${value} at ${place}`);
      }
    }
  });

  test(title('no rows are no work'), (t) => {
    const y = array(7);
    kernels.matmul(kernels.allocate(0), 0, packF32(kernels, [[1]]), y);
    kernels.add(y, y, 0);
    t.deepEqual([...y], [7]);
  });
}

function zeros(length: number): number[] {
  return new Array<number>(length).fill(0);
}

function packF32(kernels: Kernels, rows: number[][]): PackedMatrix {
  const inputs = rows[0].length;
  const weights = new Uint8Array(Float32Array.from(rows.flat()).buffer);
  return kernels.pack({ outputs: rows.length, inputs, dtype: 'F32' }, (row, count) =>
    weights.subarray(row * inputs * 4, (row + count) * inputs * 4),
  );
}

/** Σ of the terms in the order of matmul. */
function sum(kernels: Kernels, terms: number[]): number {
  const x = kernels.allocate(terms.length);
  x.set(terms);
  const y = kernels.allocate(1);
  kernels.matmul(x, 1, packF32(kernels, [terms.map(() => 1)]), y);
  return y[0];
}
