import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { TensorProto_DataType as DataType } from 'onnx-buf';
import { SafetensorsFile } from '../../../../engine/checkpoint/safetensors.ts';
import { writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { GraphBuilder } from '../../../../generator/onnx/builder.ts';
import { quantizeRows, widen } from '../../../../generator/onnx/quantize.ts';
import { temporaryDir } from './checkpoints.ts';
import { sessionOf } from './sessions.ts';

const weight = fc
  .record({ outputs: fc.integer({ min: 1, max: 5 }), inputs: fc.integer({ min: 1, max: 9 }) })
  .chain(({ outputs, inputs }) =>
    fc.record({
      outputs: fc.constant(outputs),
      inputs: fc.constant(inputs),
      values: fc.array(fc.double({ min: -100, max: 100, noNaN: true }), {
        minLength: outputs * inputs,
        maxLength: outputs * inputs,
      }),
    }),
  );

test('every quantised weight is within half a step, and the largest of a row is 127 steps', (t) => {
  const within = fc.property(weight, ({ values, outputs, inputs }) => {
    const original = Float32Array.from(values, (value) => (Math.abs(value) < 1e-6 ? 0 : value));
    const { values: rounded, scales } = quantizeRows(original, outputs, inputs);
    for (let n = 0; n < outputs; n++) {
      const row = Array.from({ length: inputs }, (_, k) => rounded[k * outputs + n]);
      const zero = original.subarray(n * inputs, (n + 1) * inputs).every((value) => value === 0);
      t.is(Math.max(...row.map(Math.abs)), zero ? 0 : 127);
      row.forEach((value, k) => {
        const error = Math.abs(value * scales[n] - original[n * inputs + k]);
        t.true(error <= scales[n] * 0.50001, `row ${n}, column ${k} is off by ${error / scales[n]} steps`);
      });
    }
  });
  t.notThrows(() => fc.assert(within, { seed: 20261122, numRuns: 200 }));
});

for (const [dtype, type] of [
  ['F16', DataType.FLOAT16],
  ['BF16', DataType.BFLOAT16],
] as const) {
  test(`each of the 65,536 values of ${dtype} is widened as ONNX Runtime does`, async (t) => {
    const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const path = join(await temporaryDir(t), 'all.safetensors');
    writeSafetensors(path, new Map([['all', { dtype, shape: [65_536], data: bits }]]));
    const file = SafetensorsFile.open(path);
    t.teardown(() => file.close());
    const graph = new GraphBuilder('float32');
    graph.output('y', graph.cast(graph.constant('all', type, [65_536], bits), DataType.FLOAT), [65_536]);
    const loaded = await sessionOf(t, graph);
    const { y } = await loaded.run({});
    const got = widen('all', { file, info: file.tensors.get('all')! });
    const expected = y.data as Float32Array;
    // For Object.is, NaN equals NaN whatever its payload, and 0 differs from −0.
    const other = expected.findIndex((value, i) => !Object.is(value, got[i]));
    t.is(other, -1, `${other} is widened to ${got[other]}, expected ${expected[other]}`);
    t.is(got.length, expected.length);
  });
}

test('f32 weights are read without a change', async (t) => {
  const path = join(await temporaryDir(t), 'some.safetensors');
  const data = Float32Array.of(1.5, -0, 1e-40, Number.NaN);
  writeSafetensors(path, new Map([['some', { dtype: 'F32', shape: [4], data }]]));
  const file = SafetensorsFile.open(path);
  t.teardown(() => file.close());
  t.deepEqual(widen('some', { file, info: file.tensors.get('some')! }), data);
});
