import test from 'ava';
import { activationTaps } from '../../../../verify/reference/activations.ts';
import { type Round, roundToBf16 } from '../../../../verify/reference/rounding.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { computeRows } from '../../../support/verify/compute-rows.ts';
import { denseModel, modelDirectory, moeModel } from '../../engine/tiny-models.ts';

trackResources(test);

const CASES = [{ id: 'one', ids: [3, 1, 4, 1, 5], promptLength: 5, positions: [0, 1, 2, 3, 4] }];
const exact: Round = () => {};
const copy = (logits: Float32Array) => logits.slice();

for (const [name, model] of [
  ['dense', denseModel()],
  ['mixture', moeModel()],
] as const) {
  for (const kind of ['eager', 'fused'] as const) {
    test(`${name}, ${kind}: without roundings the activations are the engine's`, async (t) => {
      const dir = modelDirectory(t, model);
      const [own, other] = [
        await computeRows(dir, CASES, copy),
        await computeRows(dir, CASES, copy, { taps: activationTaps(exact, kind) }),
      ].map((rows) => rows.get('one')!.flatMap((row) => [...row]));
      for (const [i, value] of other.entries())
        t.true(Math.abs(value - own[i]) < 1e-4, `${value}, ${own[i]}`);
    });
  }

  test(`${name}: every logit is a bf16, and eager attention rounds more often`, async (t) => {
    const dir = modelDirectory(t, model);
    const [eager, fused] = await Promise.all(
      (['eager', 'fused'] as const).map(async (kind) => {
        const rows = await computeRows(dir, CASES, copy, { taps: activationTaps(roundToBf16, kind) });
        return rows.get('one')!;
      }),
    );
    for (const row of [...eager, ...fused]) {
      const rounded = row.slice();
      roundToBf16(rounded);
      t.deepEqual(row, rounded);
    }
    t.notDeepEqual(eager, fused);
  });
}

test("a mixture's routing weight is rounded, then its product, then the sum, and nothing beyond the length", (t) => {
  // From 1 to 2 a bf16 is a multiple of 1/128, from 2 to 4 of 1/64; halves go to the even one.
  const scale = 128.75 / 128; // 129/128
  const x = Float32Array.of(1, 1.5, 0.3);
  // 1.75 · 129 = 225.75, so 226; with a weight that is not rounded 225. 128 + 226 = 2 · 177.
  // 1.25 · 129 = 161.25, so 161. 192 + 161 = 2 · 176.5, so 176; with a product that is not rounded 177.
  const y = Float32Array.of(1.75, 1.25, 1);
  const kept = x[2];
  activationTaps(roundToBf16, 'eager').addScaled!({ layer: 0, x, y, scale, length: 2, compute: t.fail });
  t.deepEqual([...x], [177 / 64, 176 / 64, kept]);
  t.deepEqual([...y], [1.75, 1.25, 1], "the expert's output is left as it is");
});
