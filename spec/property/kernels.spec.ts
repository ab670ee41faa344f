import test from 'ava';
import fc from 'fast-check';
import type { WeightDtype } from '../../engine/config.ts';
import type { Kernels, PackedMatrix } from '../../engine/kernels/kernels.ts';
import type { SampleSize } from '../../engine/kernels/samples.ts';
import { createScalarKernels } from '../../engine/kernels/scalar.ts';
import { KERNELS } from '../../engine/kernels/table.ts';
import { createWasmKernels } from '../../engine/kernels/wasm.ts';
import { arrayOf, FLAVOURS, type Flavour, weightsOf } from '../unit/engine/kernels/arrays.ts';
import { bitDifference } from '../unit/engine/kernels/same-bits.ts';
import { REAL_SAMPLES, sampleValues } from '../unit/engine/kernels/sample-values.ts';

const scalar = createScalarKernels();
const wasm = await createWasmKernels();
// Five threads share every call that has more than one part, with the tiles of 128-bit vectors. Their arrays
// lie around and beyond 2 GiB, as those of a model of that size do; memory that is not touched costs nothing.
const threaded = await createWasmKernels({ threads: 5, sharedWork: 0, revectorize: false });
threaded.allocate(2 ** 29 - 2 ** 18);
test.after.always(() => wasm.dispose());
test.after.always(() => threaded.dispose());

const RUN = { seed: 20261122, numRuns: 120 };
const seed = fc.nat();
const flavour = fc.constantFrom(...FLAVOURS);
const dtype = fc.constantFrom<WeightDtype>('F32', 'F16', 'BF16');
const fewRows = fc.integer({ min: 1, max: 36 });
// Tiles for few rows, and for many (bf16: from 33 on, with 128 bits from 5 on). Some samples of real sizes
// have a second block of rows, from 257 on.
const rows = fc.oneof({ weight: 4, arbitrary: fewRows }, fc.integer({ min: 60, max: 68 }));
const outputs = fc.oneof(fc.integer({ min: 1, max: 45 }), fc.integer({ min: 100, max: 200 }));
// Leaves of some inputs, and of more than a run of 16, after which a few rows go on to the next panel.
const inputs = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: 70 }) },
  fc.integer({ min: 129, max: 330 }),
);

/** Sizes of the samples of a kernel. Attention costs rows times positions. */
function sizesOf(method: string): fc.Arbitrary<SampleSize> {
  return fc.record({
    rows: method === 'attention' ? fewRows : rows,
    inputs,
    outputs,
    numKeyValueHeads: fc.integer({ min: 1, max: 3 }),
    headsPerKey: fc.integer({ min: 1, max: 6 }),
    halfHeadDim: fc.oneof(fc.integer({ min: 1, max: 21 }), fc.constantFrom(4, 8, 12, 32)),
    blockSize: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(8, 16, 24)),
    startPosition: fc.integer({ min: 0, max: 20 }),
  });
}

/** A copy of an array in the memory of some kernels. */
function put(kernels: Kernels, values: Float32Array): Float32Array {
  const copy = kernels.allocate(values.length);
  copy.set(values);
  return copy;
}

function packed(
  kernels: Kernels,
  shape: { outputs: number; inputs: number; dtype: WeightDtype },
  weights: Uint8Array,
): PackedMatrix {
  const rowBytes = weights.length / shape.outputs;
  return kernels.pack(shape, (row, rows) => weights.subarray(row * rowBytes, (row + rows) * rowBytes));
}

/** Runs the same on all kernels and fails unless the arrays it returns are the same bits. */
function agree(run: (kernels: Kernels) => readonly (Float32Array | Uint8Array)[]): void {
  const expected = run(scalar);
  for (const [kernels, what] of [
    [wasm, 'one thread'],
    [threaded, '5 threads, 128-bit vectors, beyond 2 GiB'],
  ] as const) {
    for (const [i, array] of run(kernels).entries()) {
      const difference = bitDifference(array, expected[i]);
      if (difference !== undefined)
        throw new Error(`wasm with ${what} differs from scalar in array ${i} ${difference}`);
    }
  }
}

function same(actual: Float32Array, expected: Float32Array): void {
  const difference = bitDifference(actual, expected);
  if (difference !== undefined) throw new Error(difference);
}

for (const [name, { method, sample }] of Object.entries(KERNELS)) {
  test(`${name}: wasm, alone or in threads, equals scalar to the last bit for every size and value`, (t) => {
    fc.assert(
      fc.property(sizesOf(method), seed, flavour, (size, seed, flavour) => {
        agree((kernels) => {
          const { run, written } = sample(kernels, size, sampleValues(seed, flavour));
          run();
          return written;
        });
      }),
      // Three kernels gather, one for each dtype.
      {
        ...RUN,
        numRuns: method === 'gather' ? RUN.numRuns / 3 : RUN.numRuns,
        // Plain values: NaN and infinity hide faults of position.
        examples: REAL_SAMPLES.map((size) => [size, 1, 'plain'] as [SampleSize, number, Flavour]),
      },
    );
    t.pass();
  });
}

test('matmul: a row alone gives the bits that it gives in a batch', (t) => {
  fc.assert(
    fc.property(fc.record({ seed, dtype, rows: fc.integer({ min: 2, max: 20 }), outputs, inputs }), (c) => {
      const x = put(wasm, arrayOf(c.rows * c.inputs, c.seed));
      const weights = weightsOf(c.outputs * c.inputs, c.seed + 1, 'plain', c.dtype);
      const matrix = packed(wasm, c, weights);
      const batch = wasm.allocate(c.rows * c.outputs);
      const alone = wasm.allocate(c.rows * c.outputs);
      wasm.matmul(x, c.rows, matrix, batch);
      for (let row = 0; row < c.rows; row++) {
        wasm.matmul(x.subarray(row * c.inputs), 1, matrix, alone.subarray(row * c.outputs));
      }
      same(alone, batch);
    }),
    RUN,
  );
  t.pass();
});

test('matmul and gather write nothing beyond their outputs', (t) => {
  fc.assert(
    fc.property(fc.record({ dtype, rows, outputs, inputs }), (c) => {
      const weights = new Uint8Array(weightsOf(c.outputs * c.inputs, 1, 'plain', c.dtype));
      const matrix = packed(wasm, c, weights);
      const size = Math.max(c.rows * c.outputs, c.inputs);
      const y = wasm.allocate(size + 9);
      wasm.matmul(put(wasm, arrayOf(c.rows * c.inputs, 2)), c.rows, matrix, y);
      same(y.slice(c.rows * c.outputs), new Float32Array(size + 9 - c.rows * c.outputs));
      y.fill(0);
      wasm.gather(matrix, [c.outputs - 1], y);
      same(y.slice(c.inputs), new Float32Array(size + 9 - c.inputs));
    }),
    RUN,
  );
  t.pass();
});

test('rmsNorm in place gives the bits that it gives elsewhere', (t) => {
  fc.assert(
    fc.property(fc.record({ seed, flavour, rows, inputs }), (c) => {
      const values = arrayOf(c.rows * c.inputs, c.seed, c.flavour);
      const weight = put(wasm, arrayOf(c.inputs, c.seed + 1, c.flavour));
      const x = put(wasm, values);
      const y = wasm.allocate(x.length);
      wasm.rmsNorm({ x, rows: c.rows, weight, eps: 1e-6, y });
      wasm.rmsNorm({ x, rows: c.rows, weight, eps: 1e-6, y: x });
      same(x, y);
    }),
    RUN,
  );
  t.pass();
});

test('exp: wasm equals scalar to the last bit at every exponent of both signs', (t) => {
  // siluMultiply of x and 1/x shows exp(−x) bare where it is large; attention, in its own spec, where it is
  // small.
  const bits = Uint32Array.from({ length: 2 ** 16 }, (_, i) => (i << 16) | ((i * 40503) & 0xffff));
  agree((kernels) => {
    const x = put(kernels, new Float32Array(bits.buffer));
    const reciprocals = x.map((value) => 1 / value);
    kernels.siluMultiply(x, put(kernels, reciprocals), x.length);
    return [x];
  });
  t.pass();
});
