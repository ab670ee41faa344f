import test from 'ava';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { KERNELS } from '../../../../engine/kernels/table.ts';
import { SMALL_SAMPLE, sampleValues } from './sample-values.ts';

/**
 * Bytes and operations of a run on {@link SMALL_SAMPLE}, by hand: 3 rows of 21 inputs and 37 outputs, 2 heads
 * of keys and 6 of queries over 7 positions, of dimension 10; 20 in plain attention, 16 in tiles.
 */
const WORK: Readonly<Record<keyof typeof KERNELS, readonly [bytes: number, flops: number]>> = {
  matmulF32: [37 * 21 * 4, 2 * 3 * 37 * 21],
  matmulF16: [37 * 21 * 2, 2 * 3 * 37 * 21],
  matmulBF16: [37 * 21 * 2, 2 * 3 * 37 * 21],
  gatherF32: [3 * 21 * (4 + 4), 0],
  gatherF16: [3 * 21 * (2 + 4), 0],
  gatherBF16: [3 * 21 * (2 + 4), 0],
  // A row more, read and written; the product is with a single column.
  packRows: [2 * 4 * 21 * 4, 2 * 4 * 1 * 21],
  packPanels16: [2 * 37 * 21 * 2, 0],
  packPanels32: [2 * 37 * 21 * 4, 0],
  // The three rows see 5, 6 and 7 positions, a row of another sequence those of its first block up to that of
  // position 4: 2 of a block of 3, 5 of a block of 16. A product with a key and one with a value for each.
  attention: [2 * (2 + 7) * 2 * 20 * 4, 4 * 6 * (2 + 5 + 6 + 7) * 20],
  attentionTiled: [2 * (5 + 7) * 2 * 16 * 4, 4 * 6 * (5 + 5 + 6 + 7) * 16],
  // Keys and values are read, and written.
  storeKeyValue: [2 * 2 * 3 * 2 * 10 * 4, 0],
  rmsNorm: [2 * 3 * 21 * 4, 4 * 3 * 21],
  rope: [2 * 3 * 2 * 10 * 4, 3 * 3 * 2 * 10],
  siluMultiply: [3 * 3 * 21 * 4, 16 * 3 * 21],
  add: [3 * 3 * 21 * 4, 3 * 21],
  addScaled: [3 * 3 * 21 * 4, 2 * 3 * 21],
  argmax: [3 * 21 * 4, 3 * 3 * 21],
};

test('the work of a run is what it reads and writes, and what it computes', (t) => {
  for (const [name, { sample }] of Object.entries(KERNELS)) {
    const { bytes, flops } = sample(createScalarKernels(), SMALL_SAMPLE, sampleValues(1));
    t.deepEqual([bytes, flops], WORK[name as keyof typeof KERNELS], name);
  }
});

for (const [name, { sample }] of Object.entries(KERNELS)) {
  test(`${name}: a run of the sample changes what it says it writes`, (t) => {
    const { run, written } = sample(createScalarKernels(), SMALL_SAMPLE, sampleValues(1));
    const before = written.map((array) => array.slice());
    run();
    t.true(written.length > 0);
    for (const [i, array] of written.entries()) t.notDeepEqual(array, before[i], `array ${i}`);
  });

  test(`${name}: work grows with the size of the sample`, (t) => {
    const workOf = (rows: number, inputs: number, halfHeadDim: number) => {
      const size = { ...SMALL_SAMPLE, rows, inputs, halfHeadDim };
      const { bytes, flops } = sample(createScalarKernels(), size, sampleValues(1));
      return { bytes, flops };
    };
    const [small, large] = [workOf(4, 16, 8), workOf(8, 32, 16)];
    t.true(large.bytes > small.bytes && small.bytes > 0, `${large.bytes} bytes, of the half ${small.bytes}`);
    t.true(large.flops >= 2 * small.flops, `${large.flops} operations, of the half ${small.flops}`);
  });
}
