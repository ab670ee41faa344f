import { join } from 'node:path';
import test from 'ava';
import { writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { mlp } from '../../../../generator/onnx/mlp.ts';
import { checkpoint, DENSE, type Teardown } from './checkpoints.ts';
import { evaluate, partOfModel } from './sessions.ts';

/** One input and one output: `down · silu(gate · x) · up · x`, each weight a number. */
async function scalarMlp(t: Teardown, weights: { gate: number; up: number; down: number }, x: number[]) {
  const dir = await checkpoint(t, DENSE);
  const tensors = Object.entries(weights).map(
    ([name, value]) =>
      [`m.${name}_proj.weight`, { dtype: 'F32', shape: [1, 1], data: Float32Array.of(value) }] as const,
  );
  writeSafetensors(join(dir, 'model.safetensors'), new Map(tensors));
  const part = await partOfModel(t, dir, 1);
  return evaluate(t, part, mlp(part, 'x', 'm'), { values: Float32Array.from(x), shape: [x.length, 1] });
}

const X = [-80, -30, -20, -7.5, -1, -1e-3, 0, 1e-3, 0.5, 3, 20, 100];

test('silu is exact to a few roundings also far below zero, where it is tiny', async (t) => {
  // up · x is x: the output is x · silu(x).
  const y = await scalarMlp(t, { gate: 1, up: 1, down: 1 }, X);
  X.forEach((x, i) => {
    const expected = Math.fround(x) ** 2 / (1 + Math.exp(-Math.fround(x)));
    t.true(Math.abs(y[i] - expected) <= 5e-7 * Math.abs(expected), `at ${x}: ${y[i]}, expected ${expected}`);
  });
});

test('where e^-x overflows, silu is 0 and not NaN', async (t) => {
  t.deepEqual((await scalarMlp(t, { gate: 1, up: 1, down: 1 }, [-200, -1e4])).map(Math.abs), [0, 0]);
});

test('silu is applied to the gate, not to up', async (t) => {
  const [y] = await scalarMlp(t, { gate: 2, up: 3, down: 0.5 }, [1.25]);
  const gate = 2 * 1.25;
  t.true(Math.abs(y - 0.5 * (gate / (1 + Math.exp(-gate))) * (3 * 1.25)) < 1e-6);
});
