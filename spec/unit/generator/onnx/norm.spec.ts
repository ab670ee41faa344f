import test from 'ava';
import { GraphBuilder, type Precision } from '../../../../generator/onnx/builder.ts';
import { rmsNorm } from '../../../../generator/onnx/norm.ts';
import { evaluate, largestDifference } from './sessions.ts';

const ROWS = [
  [0.5, -2, 3, 0.25],
  [1e-4, 2e-4, -1e-4, 3e-4],
  [0, 0, 0, 0],
];
const GAINS = [1, 0.5, -2, 3];
const EPS = 1e-3;

const expected = ROWS.flatMap((row) => {
  const meanSquare = row.reduce((sum, x) => sum + x * x, 0) / row.length;
  return row.map((x, i) => (x / Math.sqrt(meanSquare + EPS)) * GAINS[i]);
});

async function normed(t: Parameters<typeof evaluate>[0], precision: Precision): Promise<number[]> {
  const floats = precision === 'float64' ? Float64Array : Float32Array;
  const graph = new GraphBuilder(precision);
  const x = graph.input('x', graph.floatType, ['rows', 4]);
  const weight = graph.constant('gains', graph.floatType, [4], floats.from(GAINS));
  return evaluate(t, { graph }, rmsNorm(graph, x, weight, EPS), {
    values: floats.from(ROWS.flat()),
    shape: [3, 4],
  });
}

test('rmsNorm divides each row by its root mean square, eps included, and multiplies by the gains', async (t) => {
  t.true(largestDifference(await normed(t, 'float64'), expected) < 1e-15);
});

test('in float32, rmsNorm is off by a few roundings', async (t) => {
  t.true(largestDifference(await normed(t, 'float32'), expected) < 1e-6);
});
