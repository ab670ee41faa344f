import test, { type ExecutionContext } from 'ava';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { readCase, readManifest, readTensors } from '../../golden/goldens.ts';
import { compareCase } from '../../verify/compare/case.ts';
import { SubjectError } from '../../verify/errors.ts';
import { MUTANTS, type Mutant } from '../support/mutants/mutants.ts';
import { loadMutant } from '../support/mutants/mutate.ts';
import { temporaryFolder } from '../support/processes/cleanup.ts';

/** Longer prompts take long and show nothing that shorter ones do not. */
const MAX_PROMPT = 160;

/** @returns where a mutant was caught, or undefined if it passed as right. */
async function caughtAt(t: ExecutionContext, mutant: Mutant): Promise<string | undefined> {
  const modelDir = await ensureFixture(mutant.model);
  const subject = await (await loadMutant(mutant, temporaryFolder(t))).load(modelDir);
  try {
    const manifest = readManifest(mutant.model);
    const config = await readModelConfig(modelDir);
    for (const id of manifest.cases) {
      const recorded = readCase(mutant.model, id);
      if ('refusal' in recorded || recorded.ids.length > MAX_PROMPT) continue;
      const tensors = readTensors(mutant.model, id);
      try {
        const { differences } = await compareCase({ recorded, tensors }, manifest, config, subject);
        if (differences.length > 0) return `${id}: ${differences[0].what} at ${differences[0].position}`;
      } catch (error) {
        // The comparison's own refusals count; a crash of the mutant proves nothing.
        if (!(error instanceof SubjectError)) throw error;
        return `${id}: ${error.message}`;
      }
    }
    return undefined;
  } finally {
    await subject.close();
  }
}

for (const mutant of MUTANTS) {
  test(`the goldens of ${mutant.model} refuse an engine where ${mutant.name}`, async (t) => {
    const where = await caughtAt(t, mutant);
    t.truthy(where, 'the golden comparison let a broken engine pass');
    t.log(where);
  });
}

for (const model of new Set(MUTANTS.map(({ model }) => model))) {
  test(`the goldens of ${model} accept the engine itself, copied and run the same way`, async (t) => {
    t.is(await caughtAt(t, { name: 'nothing is wrong', model, edits: [] }), undefined);
  });
}

test('the goldens accept the engine on its scalar kernels', async (t) => {
  const harmless = {
    file: 'kernels/scalar.ts',
    find: 'const f = Math.fround;',
    replace: 'const f = Math.fround; // as it was',
  };
  t.is(await caughtAt(t, { name: 'nothing is wrong', model: 'dense', edits: [harmless] }), undefined);
});
