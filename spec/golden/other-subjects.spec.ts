import { cpSync } from 'node:fs';
import test from 'ava';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { writeOnnxGraph } from '../../generator/onnx/write.ts';
import { readCase, readManifest, readTensors } from '../../golden/goldens.ts';
import { compareCase } from '../../verify/compare/case.ts';
import type { SubjectModel } from '../../verify/subject.ts';
import { temporaryFolder } from '../support/processes/cleanup.ts';
import { transformersJs } from '../support/subjects/transformers-js.ts';
import { logProbabilities, type RowView, top, viewedAs } from '../support/subjects/views.ts';

/**
 * @returns the cases, beside those the reference refused, in which the subject is not what the goldens say.
 */
async function failingCases(model: string, modelDir: string, subject: SubjectModel) {
  const manifest = readManifest(model);
  const config = await readModelConfig(modelDir);
  const failing: string[] = [];
  let cases = 0;
  for (const id of manifest.cases) {
    const recorded = readCase(model, id);
    if ('refusal' in recorded) continue;
    cases++;
    const tensors = readTensors(model, id);
    const { differences } = await compareCase({ recorded, tensors }, manifest, config, subject);
    if (differences.length > 0) failing.push(id);
  }
  return { failing, cases };
}

/** What servers show of a row instead of its logits. */
const VIEWS: readonly [what: string, view: RowView][] = [
  ['log-probabilities', logProbabilities],
  ['its 20 largest logits', top(20)],
  ['its 20 largest log-probabilities', (row) => top(20)(logProbabilities(row))],
];

for (const model of ['dense', 'moe', 'moe-nonorm']) {
  test(`transformers.js in fp32 passes the goldens of ${model}`, async (t) => {
    const modelDir = await ensureFixture(model);
    const subject = await transformersJs('fp32', { dtype: 'fp32' }).load(modelDir);
    t.teardown(() => subject.close());
    t.deepEqual((await failingCases(model, modelDir, subject)).failing, []);
    for (const [what, view] of VIEWS) {
      const { failing } = await failingCases(model, modelDir, viewedAs(subject, view));
      t.deepEqual(failing, [], `a subject that shows ${what}`);
    }
  });

  test(`transformers.js on weights quantised to int8 fails every golden of ${model}`, async (t) => {
    const modelDir = temporaryFolder(t);
    cpSync(await ensureFixture(model), modelDir, { recursive: true });
    await writeOnnxGraph({ modelDir, precision: 'float32', taps: false, quantization: 'int8' });
    const subject = await transformersJs('int8', { dtype: 'q8' }).load(modelDir);
    t.teardown(() => subject.close());
    const { failing, cases } = await failingCases(model, modelDir, subject);
    t.is(failing.length, cases);
    for (const [what, view] of VIEWS) {
      t.is((await failingCases(model, modelDir, viewedAs(subject, view))).failing.length, cases, what);
    }
  });
}
