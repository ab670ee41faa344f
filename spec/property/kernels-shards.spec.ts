import test from 'ava';
import fc from 'fast-check';
import type { WeightDtype } from '../../engine/config.ts';
import { KernelError } from '../../engine/errors.ts';
import type { Kernels } from '../../engine/kernels/kernels.ts';
import { LEAVES } from '../../engine/kernels/numerics.ts';
import { createScalarKernels } from '../../engine/kernels/scalar.ts';
import { createWasmKernels } from '../../engine/kernels/wasm.ts';
import { sumTree } from '../../engine/parallel/tree-sum.ts';
import { arrayOf, FLAVOURS, weightsOf } from '../unit/engine/kernels/arrays.ts';
import { bitDifference } from '../unit/engine/kernels/same-bits.ts';

const scalar = createScalarKernels();
const wasm = await createWasmKernels({ maxBytes: 2 ** 28 });
test.after.always(() => wasm.dispose());

/** Columns [first, first + count) of rows that are `width` wide. */
function columns<T extends Float32Array | Uint8Array>(
  values: T,
  width: number,
  first: number,
  count: number,
): T {
  const rows = values.length / width;
  const part = values.slice(0, rows * count) as T;
  for (let row = 0; row < rows; row++) {
    part.set(values.subarray(row * width + first, row * width + first + count), row * count);
  }
  return part;
}

interface Case {
  rows: number;
  outputs: number;
  inputs: number;
  dtype: WeightDtype;
  x: Float32Array;
  weights: Uint8Array;
}

/** x · Wᵀ of the inputs that one of `ranks` owns. */
function partial(kernels: Kernels, c: Case, ranks: number, rank: number): Float32Array {
  const inputs = c.inputs / ranks;
  const rowBytes = c.weights.length / c.outputs;
  const weights = columns(c.weights, rowBytes, (rank * rowBytes) / ranks, rowBytes / ranks);
  const shape = { outputs: c.outputs, inputs, dtype: c.dtype, leaves: LEAVES / ranks };
  const matrix = kernels.pack(shape, (row, count) =>
    weights.subarray((row * rowBytes) / ranks, ((row + count) * rowBytes) / ranks),
  );
  const x = kernels.allocate(c.rows * inputs);
  x.set(columns(c.x, c.inputs, rank * inputs, inputs));
  const y = kernels.allocate(c.rows * c.outputs);
  kernels.matmul(x, c.rows, matrix, y);
  return y.slice();
}

const cases = fc
  .record({
    seed: fc.nat(),
    flavour: fc.constantFrom(...FLAVOURS),
    dtype: fc.constantFrom<WeightDtype>('F32', 'F16', 'BF16'),
    // Tiles for few rows, for many (bf16: from 33 on), and a second block (from 257 on).
    rows: fc.oneof(fc.integer({ min: 1, max: 22 }), fc.constantFrom(40, 300)),
    outputs: fc.integer({ min: 1, max: 80 }),
    inputs: fc.integer({ min: 1, max: 12 }).map((leaf) => LEAVES * leaf),
  })
  .map(({ seed, flavour, ...c }) => ({
    ...c,
    x: arrayOf(c.rows * c.inputs, seed, flavour),
    weights: weightsOf(c.outputs * c.inputs, seed + 1, flavour, c.dtype),
  }));

for (const kernels of [scalar, wasm]) {
  test(`${kernels.name}: the products of 2, 4 and 8 ranks, added as a tree, are that of one to the last bit`, (t) => {
    fc.assert(
      fc.property(cases, (c) => {
        const whole = partial(scalar, c, 1, 0);
        for (const ranks of [1, 2, 4, 8]) {
          const parts = Array.from({ length: ranks }, (_, rank) => partial(kernels, c, ranks, rank));
          const sum = new Float32Array(whole.length);
          sumTree(parts, sum);
          const difference = bitDifference(sum, whole);
          if (difference !== undefined) throw new Error(`${ranks} ranks differ ${difference}`);
        }
      }),
      { seed: 20261122, numRuns: 60 },
    );
    t.pass();
  });

  test(`${kernels.name}: a number of leaves other than 1, 2, 4, 8, or that does not divide the inputs, is refused`, (t) => {
    for (const [leaves, inputs] of [
      [3, 12],
      [16, 16],
      [0, 8],
      [4, 6],
    ]) {
      const pack = () => kernels.pack({ outputs: 1, inputs, dtype: 'F32', leaves }, () => new Uint8Array());
      t.throws(pack, {
        instanceOf: KernelError,
        message: new RegExp(`${leaves} leaves of ${inputs} inputs`),
      });
    }
  });
}
