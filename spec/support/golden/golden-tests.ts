import test from 'ava';
import { readModelConfig } from '../../../engine/checkpoint/read-config.ts';
import { FIXTURES } from '../../../generator/fixtures/fixture-specs.ts';
import { hashFiles } from '../../../generator/recording/models.ts';
import { readCase, readFingerprints, readManifest, readTensors } from '../../../golden/goldens.ts';
import { compareCase } from '../../../verify/compare/case.ts';
import { NoAnswerError } from '../../../verify/errors.ts';
import { explain, pageHint } from '../../../verify/explain.ts';
import { closeSharedModels, type SharedModel, sharedModel } from '../models/shared-model.ts';

/** The most greedy steps of one model that may be ties; more would hide a defect. */
const MAX_TIES = 3;

/**
 * Declares the tests that hold the subject to a model's goldens, one for each case. They are
 * serial: a subject is asked one thing at a time.
 *
 * @param model the name of its folder in `golden/`.
 * @param open the model itself. Default: the fixture of this name.
 */
export function goldenTests(
  model: string,
  open: () => Promise<SharedModel> = () => sharedModel(model),
): void {
  const manifest = readManifest(model);
  const fingerprints = readFingerprints(model);
  const hint = pageHint(model, process.env.SUBJECT);
  let ties = 0;

  test.before(`${model}: the model is the one the goldens were recorded from`, async (t) => {
    const { modelDir } = await open();
    // Graphs are the recorder's: they are not beside the weights. Goldens of a fixture with a stand-in
    // tokenizer are of ids.
    const hasStandIn = Object.hasOwn(FIXTURES, model) && !FIXTURES[model].tokenizer;
    const isDecisive = ([file]: [string, string]) =>
      !file.startsWith('onnx/') && !(hasStandIn && file.startsWith('tokenizer'));
    const [found, recorded] = [await hashFiles(modelDir), manifest.sha256];
    t.deepEqual(
      Object.entries(found).filter(isDecisive),
      Object.entries(recorded).filter(isDecisive),
      'record the goldens again, or find out what changed',
    );
  });

  for (const id of manifest.cases) {
    test.serial(`${model} · ${id}: hidden states, logits and greedy tokens match`, async (t) => {
      const subject = await open();
      const config = await readModelConfig(subject.modelDir);
      const golden = readCase(model, id);
      if ('refusal' in golden) {
        const refusing = { ids: golden.ids, maxNewTokens: manifest.maxNewTokens, positions: [] };
        for (const call of ['forward', 'generate'] as const) {
          const error = await t.throwsAsync(
            () => subject[call](refusing),
            undefined,
            `the reference refuses this prompt\n${hint}`,
          );
          // Other engines have words of their own; a crash is no refusal.
          if (process.env.SUBJECT) t.false(error instanceof NoAnswerError, `${error.message}\n${hint}`);
          else t.regex(error.message, /the prompt is empty/);
        }
        return;
      }
      const tensors = readTensors(model, id);
      const comparison = await compareCase({ recorded: golden, tensors }, manifest, config, subject).catch(
        (cause: Error) => {
          throw new Error(`${model} · ${id}: ${cause.message}\n${hint}`, { cause });
        },
      );
      ties += comparison.ties;
      if (comparison.differences.length > 0) {
        const { modelDir } = subject;
        const [{ projections }, subjectPath] = [manifest, process.env.SUBJECT];
        const { differences } = comparison;
        t.fail(await explain({ model, recorded: golden, differences, modelDir, projections, subjectPath }));
      }
      if (process.env.SUBJECT) {
        const missing = [
          ...(comparison.gave.hidden ? [] : ['hidden states']),
          ...(comparison.gave.rows ? [] : ['scores of the prompt']),
          ...(comparison.gave.steps ? [] : ['scores of greedy steps']),
        ];
        if (missing.length > 0) t.log(`NOT compared, since the subject has none: ${missing.join(', ')}`);
        return t.pass();
      }
      // Our engine gives everything that can be compared; another subject has fingerprints of its own.
      t.deepEqual(comparison.gave, { hidden: true, rows: true, steps: true });
      t.is(comparison.fingerprint, fingerprints[id], 'the engine computes other bits than it did');
    });
  }

  test.after.always(`${model}: shared models are closed`, closeSharedModels);

  test.after(`${model}: few greedy steps are ties`, (t) => {
    t.true(
      ties <= MAX_TIES,
      `${ties} greedy steps differ within the noise of the reference; at most ${MAX_TIES} may`,
    );
  });
}
