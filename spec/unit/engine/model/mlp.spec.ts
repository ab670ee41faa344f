import test from 'ava';
import { Mlp } from '../../../../engine/model/mlp.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { bitDifference } from '../kernels/same-bits.ts';
import { denseModel, moeModel } from '../tiny-models.ts';
import { openParts, relativeDifference } from './parts.ts';

trackResources(test);

const HIDDEN = 13;
/** Three rows of made-up input. */
const INPUT = Float32Array.from({ length: 3 * HIDDEN }, (_, i) => Math.sin(i + 1));

/** W_down (SiLU(W_gate x) ⊙ W_up x) of each row, in float64. */
function swiGlu(weights: (name: string) => Float64Array, x: Float32Array, hidden: number): Float64Array {
  const times = (name: string, row: number[]) => {
    const data = weights(name);
    return Array.from({ length: data.length / row.length }, (_, n) =>
      row.reduce((sum, value, k) => sum + value * data[n * row.length + k], 0),
    );
  };
  const rows = Array.from({ length: x.length / hidden }, (_, r) =>
    Array.from(x.subarray(r * hidden, (r + 1) * hidden)),
  );
  const out = rows.flatMap((row) => {
    const up = times('up_proj', row);
    return times(
      'down_proj',
      times('gate_proj', row).map((z, i) => (z / (1 + Math.exp(-z))) * up[i]),
    );
  });
  return Float64Array.from(out);
}

for (const [what, model, prefix] of [
  ['an MLP', denseModel(), 'model.layers.1.mlp'],
  ['an expert', moeModel(), 'model.layers.1.mlp.experts.2'],
] as const) {
  test(`${what} computes down(silu(gate(x)) · up(x)) of each row`, (t) => {
    const { kernels, weights, step } = openParts(t, model);
    const y = kernels.allocate(INPUT.length);
    new Mlp(weights, prefix).forward(step, INPUT, 3, y);
    const weight = (name: string) => model.weights.get(`${prefix}.${name}.weight`)!.data;
    const difference = relativeDifference(y, swiGlu(weight, INPUT, HIDDEN));
    t.true(difference < 1e-6, `off by ${difference}`);
  });
}

test('the output may take the place of the input', (t) => {
  const { kernels, weights, step } = openParts(t, denseModel());
  const mlp = new Mlp(weights, 'model.layers.0.mlp');
  const apart = kernels.allocate(INPUT.length);
  mlp.forward(step, INPUT, 3, apart);
  const inPlace = INPUT.slice();
  mlp.forward(step, inPlace, 3, inPlace);
  t.is(bitDifference(inPlace, apart), undefined);
});

test('rows beyond the given number are not written', (t) => {
  const { weights, step } = openParts(t, denseModel());
  const y = new Float32Array(INPUT.length).fill(7);
  new Mlp(weights, 'model.layers.0.mlp').forward(step, INPUT, 1, y);
  t.true(y.subarray(0, HIDDEN).every((value) => value !== 7));
  t.true(y.subarray(HIDDEN).every((value) => value === 7));
});
