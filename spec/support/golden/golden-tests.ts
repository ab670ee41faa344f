import test from 'ava';
import { readModelConfig } from '../../../engine/config.ts';
import { FIXTURES } from '../../../generator/fixtures/fixtures.ts';
import { hashFiles } from '../../../generator/recording/models.ts';
import { readCase, readFingerprints, readManifest, readTensors } from '../../../golden/goldens.ts';
import { compareCase } from '../../../verify/compare.ts';
import { explain } from '../../../verify/explain.ts';
import { type SharedModel, sharedModel } from '../models/shared-model.ts';

/** Greedy steps of one model that may be ties, as far as the reference can tell; more would hide a defect. */
const MAX_TIES = 3;

/**
 * Declares the tests that hold the subject to a model's goldens, one for each case.
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
  let ties = 0;

  test.before(`${model}: the model is the one the goldens were recorded from`, async (t) => {
    const { modelDir } = await open();
    // Graphs are the recorder's: they are not beside the weights. Goldens of a fixture with a stand-in tokenizer are of ids.
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
    test(`${model} · ${id}: hidden states, logits and greedy tokens match`, async (t) => {
      const subject = await open();
      const config = await readModelConfig(subject.modelDir);
      const golden = readCase(model, id);
      if ('refusal' in golden) {
        // Our engine's own word for it; what others say is theirs.
        const expected = process.env.SUBJECT ? undefined : { message: /the prompt is empty/ };
        await t.throwsAsync(
          () => subject.forward({ ids: golden.ids, positions: [] }),
          expected,
          'the reference refuses this prompt',
        );
        await t.throwsAsync(
          () => subject.generate({ ids: golden.ids, maxNewTokens: manifest.maxNewTokens }),
          expected,
        );
        return;
      }
      const tensors = readTensors(model, id);
      const comparison = await compareCase({ recorded: golden, tensors }, manifest, config, subject);
      ties += comparison.ties;
      if (comparison.differences.length > 0)
        t.fail(await explain(model, golden, comparison.differences, subject.modelDir, manifest.projections));
      if (process.env.SUBJECT) return t.pass();
      // Ours has everything that can be compared; another subject has fingerprints of its own.
      t.deepEqual(comparison.gave, { hidden: true, steps: true });
      t.is(comparison.fingerprint, fingerprints[id], 'the engine computes other bits than it did');
    });
  }

  test.after(`${model}: few greedy steps are ties`, (t) => {
    t.true(
      ties <= MAX_TIES,
      `${ties} greedy steps differ where the reference cannot tell, at most ${MAX_TIES} may`,
    );
  });
}
