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
