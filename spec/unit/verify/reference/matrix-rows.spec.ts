import test from 'ava';
import { createScalarKernels } from '../../../../engine/index.ts';
import { MatrixRows } from '../../../../verify/reference/matrix-rows.ts';

test('products with some outputs have the bits of the whole matmul, for any number of inputs', (t) => {
  for (const inputs of [1, 7, 8, 13, 64, 100]) {
    const kernels = createScalarKernels();
    const outputs = 300;
    const weights = Float32Array.from({ length: outputs * inputs }, (_, i) => Math.sin(i * i + 0.5));
    const matrix = kernels.pack({ outputs, inputs, dtype: 'F32' }, (first, count) => {
      return new Uint8Array(weights.slice(first * inputs, (first + count) * inputs).buffer);
    });
    const x = kernels.allocate(inputs);
    x.set(Float32Array.from(x, (_, i) => Math.cos(3 * i)));
    const whole = kernels.allocate(outputs);
    kernels.matmul(x, 1, matrix, whole);
    const held = Int32Array.from({ length: 280 }, (_, i) => i + 20);
    const rows = new MatrixRows(kernels, matrix, held);
    for (const ids of [Int32Array.of(299, 20, 150), held]) {
      const y = new Float32Array(ids.length);
      rows.multiply(x, ids, y);
      t.deepEqual(
        y,
        Float32Array.from(ids, (id) => whole[id]),
        `${inputs} inputs`,
      );
    }
    kernels.dispose();
  }
});
