import test from 'ava';
import { linear } from '../../../../generator/onnx/linear.ts';
import { makeModel } from '../../../support/properties/arbitraries.ts';
import { checkpoint, DENSE } from './checkpoints.ts';
import { evaluate, largestDifference, partOfModel } from './sessions.ts';

const NAME = 'model.layers.0.mlp.gate_proj.weight';
const { shape, data: weight } = makeModel(DENSE, 'F32', 1).weights.get(NAME)!;
const [outputs, inputs] = shape;

const ROWS = 3;
const x = Float32Array.from({ length: ROWS * inputs }, (_, i) => Math.sin(1 + i));
const product = Array.from({ length: ROWS * outputs }, (_, i) => {
  const [row, n] = [Math.floor(i / outputs), i % outputs];
  return Array.from({ length: inputs }, (_, k) => x[row * inputs + k] * weight[n * inputs + k]).reduce(
    (a, b) => a + b,
  );
});

test('linear multiplies by the transpose of the weight, whose rows are outputs', async (t) => {
  const part = await partOfModel(t, await checkpoint(t, DENSE), inputs);
  const y = await evaluate(t, part, linear(part, 'x', NAME), { values: x, shape: [ROWS, inputs] });
  t.true(largestDifference(y, product) < 1e-6);
});

test('linear quantised to int8 is off by about one part in a hundred', async (t) => {
  const part = await partOfModel(t, await checkpoint(t, DENSE), inputs, { quantization: 'int8' });
  const y = await evaluate(t, part, linear(part, 'x', NAME), { values: x, shape: [ROWS, inputs] });
  const largest = Math.max(...product.map(Math.abs));
  const off = largestDifference(y, product) / largest;
  t.true(off > 1e-3 && off < 0.02, `off by ${off} of the largest`);
});
