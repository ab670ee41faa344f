import test from 'ava';
import { Engine } from '../../../../engine/index.ts';
import { activationTaps } from '../../../../verify/reference/activations.ts';
import { reorderedSums } from '../../../../verify/reference/reordered-sums.ts';
import { roundToBf16 } from '../../../../verify/reference/rounding.ts';
import { wantScores } from '../../../../verify/reference/rows.ts';
import { TappedModel } from '../../../../verify/reference/tapped-model.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from '../../engine/tiny-models.ts';

trackResources(test);

const LONG = Array.from({ length: 40 }, (_, i) => i % 19);
const CASES = [
  { id: 'long', ids: LONG, promptLength: 30, positions: [0, 1, 3, 5, 8, 13, 17, 21, 30, 39] },
  { id: 'short', ids: [2, 3], promptLength: 1, positions: [1] },
];
const copy = (logits: Float32Array) => logits.slice();

test('rows are the engine’s own bits, of each case in turn, after passes with taps too', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const model = await TappedModel.load(dir, CASES);
  await model.rows(CASES, copy, { taps: activationTaps(roundToBf16, 'eager') });
  const told: string[] = [];
  const rows = await model.rows(CASES, (logits, { id }, i) => ({ id, i, logits: logits.slice() }), {
    onCase: ({ id }) => told.push(id),
  });
  const engine = await Engine.load(dir);
  for (const { id, ids, positions } of CASES) {
    const { logits } = engine.forward(ids, { positions });
    t.deepEqual(
      rows.get(id),
      positions.map((_, i) => ({ id, i, logits: logits.slice(i * 19, (i + 1) * 19) })),
    );
  }
  await engine.close();
  await model.close();
  t.deepEqual(told, ['long', 'short']);
});

for (const [name, model] of [
  ['an untied head', denseModel()],
  ['a tied head', denseModel({ tie_word_embeddings: true }, 'BF16')],
] as const) {
  test(`${name}: scores of some ids have the bits of whole rows, with taps and without`, async (t) => {
    const dir = modelDirectory(t, model);
    const ids = new Map(
      CASES.map(({ id, positions }) => [id, positions.map((p) => Int32Array.of(p % 5, 18, 7))]),
    );
    for (const taps of [{}, activationTaps(roundToBf16, 'fused'), reorderedSums()]) {
      const loaded = await TappedModel.load(dir, CASES, { weights: taps.weights });
      const rowOf = (position: number) => Math.max(0, position - 1);
      for (const pass of [{ taps }, { taps, rowOf }]) {
        const whole = await loaded.rows(CASES, copy, pass);
        const scores = await loaded.scores(wantScores(CASES, ids), pass);
        for (const { id } of CASES) {
          const picked = ids
            .get(id)!
            .map((row, i) => Float32Array.from(row, (one) => whole.get(id)![i][one]));
          t.deepEqual(scores.get(id), picked);
        }
      }
      await loaded.close();
    }
  });
}

test('a pass with taps of other weights than the model has is refused', async (t) => {
  const model = await TappedModel.load(modelDirectory(t, denseModel()), CASES);
  await t.throwsAsync(model.rows(CASES, copy, { taps: reorderedSums() }), { message: /other weights/ });
  await model.close();
});
