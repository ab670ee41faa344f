import test from 'ava';
import { ensureFixture } from '../../generator/fixtures.ts';
import { readCase, readPublished, readTensors } from '../../golden/goldens.ts';
import type { RecordedCase } from '../../golden/schema.ts';
import { ComparisonError } from '../../golden/tolerance.ts';
import { closing } from '../support/cleanup.ts';
import { type Figures, means, wrongMeans } from '../support/published.ts';
import { findRealModel, NETWORK_VARIABLE } from '../support/real-model.ts';
import { loadSubject } from '../support/subject.ts';

const PUBLISHED = readPublished('qwen3-0.6b-base');

/** Figures as they are published, of a fixture: computed from what the reference recorded. */
function standIn(model: string, id: string): Figures {
  const { ids, positions } = readCase(model, id) as RecordedCase;
  const { logits } = readTensors(model, id);
  const rows = positions.length + (readCase(model, id) as RecordedCase).greedy.tokens.length;
  return { ids, meanLogits: means(logits, rows).slice(0, positions.length), tolerance: PUBLISHED.tolerance };
}

test(`${PUBLISHED.model}: the means of the logits are those of ${PUBLISHED.source}`, async (t) => {
  const modelDir = await findRealModel(PUBLISHED.model);
  if (modelDir === undefined) {
    t.log(
      `${PUBLISHED.model} is not in the HuggingFace cache: its figures were NOT checked, those of the fixture "dense" ` +
        `were; ${NETWORK_VARIABLE}=1 fetches the model`,
    );
  }
  const figures = modelDir === undefined ? standIn('dense', 'ids-short') : PUBLISHED;
  const subject = await loadSubject();
  const model = closing(t, await subject.load(modelDir ?? (await ensureFixture('dense'))));
  t.deepEqual(await wrongMeans(model, figures), []);

  // The same figures, one of them wrong by a little more than is let pass.
  const { meanLogits, tolerance } = figures;
  const wrong = meanLogits.with(3, meanLogits[3] + 2 * tolerance);
  const [found, ...others] = await wrongMeans(model, { ...figures, meanLogits: wrong });
  t.regex(found, /^position 3: the mean of the logits is /);
  t.deepEqual(others, []);
});

test('figures that cannot be compared are an error', async (t) => {
  const forward = async () => ({ logits: Float32Array.of(1, 2, 3, NaN) });
  const figures = { ids: [1, 2], meanLogits: [1.5, 0], tolerance: 1 };
  for (const broken of [figures, { ...figures, ids: [1] }, { ...figures, ids: [], meanLogits: [] }]) {
    await t.throwsAsync(wrongMeans({ forward }, broken), { instanceOf: ComparisonError });
  }
});
