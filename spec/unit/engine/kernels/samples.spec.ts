import test from 'ava';
import { createScalarKernels } from '../../../../engine/kernels/scalar.ts';
import { KERNELS } from '../../../../engine/kernels/table.ts';
import { SMALL_SAMPLE, sampleValues } from './sample-values.ts';

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
