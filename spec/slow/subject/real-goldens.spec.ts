import test from 'ava';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { readManifest, realGoldens } from '../../../golden/goldens.ts';
import { loadSubject } from '../../../verify/adapters/module.ts';
import { differencesFromGoldens } from '../../support/golden/real-goldens.ts';
import { findRealModel, NETWORK_VARIABLE } from '../../support/models/real-model.ts';
import { closing, trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

test('the fixture "dense" is held to every golden, as a real model is', async (t) => {
  const modelDir = await ensureFixture('dense');
  const model = closing(t, await (await loadSubject()).load(modelDir));
  t.deepEqual(await differencesFromGoldens(model, modelDir, 'dense'), []);
});

// What is not tested is counted as such by the test runner, in the title that says why.
if (realGoldens().length === 0)
  test.skip('NOT tested: a real model, since none has goldens; npm run goldens:regen -- --model records them', () => {});

for (const name of realGoldens()) {
  const { source } = readManifest(name);
  const modelDir = await findRealModel(source);
  const title = `${source} is held to every one of its goldens`;
  if (modelDir === undefined)
    test.skip(`NOT tested: ${title}, since it is not in the HuggingFace cache; ${NETWORK_VARIABLE}=1 fetches it`, () => {});
  else {
    test(title, async (t) => {
      t.timeout(60 * 60_000, 'a real model takes its time');
      const model = closing(t, await (await loadSubject()).load(modelDir));
      t.deepEqual(await differencesFromGoldens(model, modelDir, name), []);
    });
  }
}
