import test from 'ava';
import { reorderedSums } from '../../../../verify/reference/reordered-sums.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { computeRows } from '../../../support/verify/compute-rows.ts';
import { denseModel, modelDirectory, moeModel } from '../../engine/tiny-models.ts';

trackResources(test);

for (const [name, model] of [
  ['dense', denseModel()],
  ['tied', denseModel({ tie_word_embeddings: true })],
  ['mixture', moeModel()],
] as const) {
  test(`${name}: another order of additions gives other bits of the same numbers`, async (t) => {
    const dir = modelDirectory(t, model);
    const cases = [{ id: 'one', ids: [3, 1, 4, 1, 5], promptLength: 5, positions: [0, 1, 2, 3, 4] }];
    const copy = (logits: Float32Array) => logits.slice();
    const [own, other] = [
      await computeRows(dir, cases, copy),
      await computeRows(dir, cases, copy, { taps: reorderedSums() }),
    ].map((rows) => rows.get('one')!.flatMap((row) => [...row]));
    t.notDeepEqual(other, own);
    for (const [i, value] of other.entries()) t.true(Math.abs(value - own[i]) < 1e-4, `${value}, ${own[i]}`);
  });
}
