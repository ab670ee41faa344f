import test from 'ava';
import type { WeightDtype } from '../../../../engine/config.ts';
import { KernelError } from '../../../../engine/errors.ts';
import { scoresLength, tablesLength } from '../../../../engine/kernels/kernels.ts';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { widen } from '../../../../engine/kernels/widen.ts';
import { arrayOf, weightsOf } from './arrays.ts';

// The scalar kernels against the plain formulae in float64. Bounds follow the standard analysis (Higham
// 2002, §3.1): n roundings in a row put a result off by at most γ(n) of the sum of its terms' magnitudes.

const UNIT = 2 ** -24;
const gamma = (n: number) => (n * UNIT) / (1 - n * UNIT);
const kernels = createScalarKernels();
const total = (terms: number[]) => terms.reduce((sum, term) => sum + term, 0);
const magnitude = (terms: number[]) => total(terms.map(Math.abs));

for (const dtype of ['F32', 'F16', 'BF16'] as const satisfies WeightDtype[]) {
  test(`matmul with ${dtype} weights is x · Wᵀ within the bound of its leaves and tree`, (t) => {
    const [rows, outputs, inputs] = [3, 11, 70];
    const x = arrayOf(rows * inputs, 1);
    const bytes = weightsOf(outputs * inputs, 2, 'plain', dtype);
    const weights = widen(dtype, bytes);
    const rowBytes = bytes.length / outputs;
    const matrix = kernels.pack({ outputs, inputs, dtype }, (row, count) =>
      bytes.subarray(row * rowBytes, (row + count) * rowBytes),
    );
    const y = kernels.allocate(rows * outputs);
    kernels.matmul(x, rows, matrix, y);
    for (let i = 0; i < y.length; i++) {
      const [row, n] = [Math.floor(i / outputs), i % outputs];
      const terms = Array.from({ length: inputs }, (_, k) => x[row * inputs + k] * weights[n * inputs + k]);
      // A product, the nine sums of a leaf, three levels of the tree.
      t.true(Math.abs(y[i] - total(terms)) <= gamma(13) * magnitude(terms), `y[${i}]`);
    }
  });
}

test('rmsNorm is x / √(mean of squares + eps) · weight', (t) => {
  const width = 101;
  const [x, weight, y] = [arrayOf(width, 3), arrayOf(width, 4), kernels.allocate(width)];
  kernels.rmsNorm({ x, rows: 1, weight, eps: 1e-3, y });
  const root = Math.sqrt(total(Array.from(x, (value) => value ** 2)) / width + 1e-3);
  for (let i = 0; i < width; i++) {
    const exact = (x[i] / root) * weight[i];
    t.true(Math.abs(y[i] - exact) <= gamma(width / 4 + 8) * Math.abs(exact), `y[${i}]`);
  }
});

test('rope is the rotation of each pair by its angle', (t) => {
  const [heads, headDim] = [2, 10];
  const x = arrayOf(heads * headDim, 5);
  const angles = arrayOf(headDim / 2, 6);
  const y = x.slice();
  kernels.rope({ x: y, rows: 1, heads, headDim, cos: angles.map(Math.cos), sin: angles.map(Math.sin) });
  for (let head = 0; head < heads; head++) {
    for (let d = 0; d < headDim / 2; d++) {
      const [first, second] = [head * headDim + d, head * headDim + d + headDim / 2];
      const [c, s] = [Math.cos(angles[d]), Math.sin(angles[d])];
      const bound = gamma(3) * (Math.abs(x[first]) + Math.abs(x[second]));
      t.true(Math.abs(y[first] - (x[first] * c - x[second] * s)) <= bound);
      t.true(Math.abs(y[second] - (x[second] * c + x[first] * s)) <= bound);
    }
  }
});

test('attention is softmax(q · kᵀ · scale) · v', (t) => {
  const [positions, headDim, scale] = [37, 6, 0.7];
  const [q, keys, values] = [7, 8, 9].map((seed) => arrayOf(positions * headDim, seed));
  const out = kernels.allocate(headDim);
  // Blocks of one position lay keys and values out alike, [positions, headDim].
  kernels.attention({
    q,
    out,
    keys,
    values,
    sequences: [
      { rows: 1, startPosition: positions - 1, blockTable: Array.from({ length: positions }, (_, i) => i) },
    ],
    blockSize: 1,
    numAttentionHeads: 1,
    numKeyValueHeads: 1,
    headDim,
    scale,
    scores: kernels.allocate(scoresLength(1, positions)),
    tables: kernels.allocateInt32(tablesLength(1, positions)),
  });
  const weights = Array.from({ length: positions }, (_, p) =>
    Math.exp(scale * total(Array.from({ length: headDim }, (_, d) => q[d] * keys[p * headDim + d]))),
  );
  // A score of up to headDim · scale = 4.2 is off by γ(9) of that, which exp turns into a relative error of
  // p; the sums over positions add theirs. |v| ≤ 1.
  const bound = 2 * gamma(9) * headDim * scale + gamma(2 * positions);
  for (let d = 0; d < headDim; d++) {
    const exact = total(weights.map((weight, p) => weight * values[p * headDim + d])) / total(weights);
    t.true(Math.abs(out[d] - exact) <= bound, `out[${d}]`);
  }
});

test('siluMultiply, add and addScaled are their formulae to a few roundings', (t) => {
  const [x, y] = [arrayOf(50, 10).map((value) => 20 * value), arrayOf(50, 11)];
  const [gated, sum, scaled] = [x.slice(), x.slice(), x.slice()];
  kernels.siluMultiply(gated, y, 50);
  kernels.add(sum, y, 50);
  kernels.addScaled(scaled, y, 0.3, 50);
  for (let i = 0; i < 50; i++) {
    const exact = (x[i] / (1 + Math.exp(-x[i]))) * y[i];
    t.true(Math.abs(gated[i] - exact) <= gamma(8) * Math.abs(exact));
    t.is(sum[i], Math.fround(x[i] + y[i]));
    t.is(scaled[i], Math.fround(x[i] + Math.fround(Math.fround(0.3) * y[i])));
  }
});

test('allocated memory is counted, and more than 4 GiB is refused', (t) => {
  const fresh = createScalarKernels();
  fresh.allocate(3);
  fresh.allocateInt32(2);
  fresh.pack({ outputs: 1, inputs: 5, dtype: 'F16' }, () => new Uint8Array(10));
  t.is(fresh.bytesAllocated, 12 + 8 + 160);
  t.throws(() => fresh.allocate(2 ** 50), { instanceOf: KernelError, message: /cannot allocate/ });
  t.is(fresh.bytesAllocated, 180);
  fresh.dispose();
  t.is(fresh.bytesAllocated, 0);
});
