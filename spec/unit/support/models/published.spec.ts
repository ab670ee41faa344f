import test from 'ava';
import { ComparisonError } from '../../../../golden/tolerance.ts';
import { NotSupportedError, SubjectError } from '../../../../verify/errors.ts';
import type { TokenScores } from '../../../../verify/subject.ts';
import { wrongFigures } from '../../../support/models/published.ts';
import { logProbabilities, top } from '../../../support/subjects/views.ts';

const tolerance = { atol: 3e-4, rtol: 3e-4 };
const figures = { ids: [1, 2], meanLogits: [1.5, 4], firstLogits: [1, 2], tolerance };
const rows: TokenScores[] = [{ values: Float32Array.of(1, 2) }, { values: Float32Array.of(3, 5) }];
const model = (answer: readonly TokenScores[]) => ({ forward: async () => ({ rows: answer }) });

test('the figures of a model that is right are found right, and each wrong one is named', async (t) => {
  t.deepEqual(await wrongFigures(model(rows), figures), []);
  t.deepEqual(await wrongFigures(model(rows), { ...figures, meanLogits: [1.5, 4.1], firstLogits: [1.1] }), [
    `the mean of position 1 is 4, published is 4.1 ± ${3e-4 + 3e-4 * 4.1}`,
    `logit 0 of position 0 is 1, published is 1.1 ± ${3e-4 + 3e-4 * 1.1}`,
  ]);
});

test('figures of other lengths than the ids or the vocabulary are an error', async (t) => {
  for (const broken of [{ ids: [1] }, { ids: [], meanLogits: [] }, { firstLogits: [1, 2, 3] }]) {
    await t.throwsAsync(wrongFigures(model(rows), { ...figures, ...broken }), {
      instanceOf: ComparisonError,
    });
  }
});

test('rows that are not finite or too few are an error of the subject', async (t) => {
  for (const broken of [[], rows.slice(1), [rows[0], { values: Float32Array.of(3, Number.NaN) }]]) {
    await t.throwsAsync(wrongFigures(model(broken), figures), { instanceOf: SubjectError });
  }
});

test('a model that shows log-probabilities or its likeliest tokens cannot be asked for figures of logits', async (t) => {
  for (const view of [logProbabilities, top(1)]) {
    await t.throwsAsync(wrongFigures(model(rows.map(view)), figures), { instanceOf: NotSupportedError });
  }
});
