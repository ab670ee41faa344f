import test from 'ava';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { readCase, readPublished, readTensors } from '../../../golden/goldens.ts';
import type { RecordedCase } from '../../../golden/schema.ts';
import { loadSubject } from '../../../verify/adapters/module.ts';
import { NotSupportedError } from '../../../verify/errors.ts';
import { type Figures, mean, wrongFigures } from '../../support/models/published.ts';
import { findRealModel, NETWORK_VARIABLE } from '../../support/models/real-model.ts';
import { closing } from '../../support/processes/cleanup.ts';

const PUBLISHED = readPublished('qwen3-0.6b-base');

/** Figures of a fixture as they might be published: computed from what the reference recorded. */
function standIn(fixture: string, id: string): Figures {
  const { ids, positions, greedy } = readCase(fixture, id) as RecordedCase;
  const { logits } = readTensors(fixture, id);
  const vocabSize = logits.length / (positions.length + greedy.tokens.length);
  const meanLogits = ids.map((_, i) => mean(logits.subarray(i * vocabSize, (i + 1) * vocabSize)));
  return { ids, meanLogits, firstLogits: [...logits.slice(0, 30)], tolerance: PUBLISHED.tolerance };
}

test(`${PUBLISHED.model}: the logits are those of ${PUBLISHED.source}`, async (t) => {
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
  try {
    t.deepEqual(await wrongFigures(model, figures), []);
  } catch (error) {
    if (!process.env.SUBJECT || !(error instanceof NotSupportedError)) throw error;
    t.log(`NOT checked: ${error.message}`);
    return t.pass();
  }

  // The same figures, two of them wrong by a little more than the tolerance.
  const { meanLogits, firstLogits } = figures;
  const moved = (values: number[], i: number) =>
    values.with(i, values[i] + 3e-4 + 3e-4 * Math.abs(values[i]));
  const wrong = { meanLogits: moved(meanLogits, 3), firstLogits: moved(firstLogits, 7) };
  const [mean, logit, ...others] = await wrongFigures(model, { ...figures, ...wrong });
  t.regex(mean, /^the mean of position 3 is \S+, published is \S+ ± \S+$/);
  t.regex(logit, /^logit 7 of position 0 is /);
  t.deepEqual(others, []);
});
