import test from 'ava';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { readManifest, realGoldens } from '../../../golden/goldens.ts';
import { loadSubject } from '../../../verify/adapters/module.ts';
import { differencesFromGoldens } from '../../support/golden/real-goldens.ts';
import { findRealModel, NETWORK_VARIABLE } from '../../support/models/real-model.ts';
import { closing, trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

test('a real model that has goldens and is here is held to every one of them', async (t) => {
  const present: [name: string, modelDir: string][] = [];
  for (const name of realGoldens()) {
    const { source } = readManifest(name);
    const modelDir = await findRealModel(source);
    if (modelDir) present.push([name, modelDir]);
    else t.log(`${source} is not in the HuggingFace cache: NOT tested; ${NETWORK_VARIABLE}=1 fetches it`);
  }
  if (present.length === 0) {
    t.log('no real model was tested, the fixture "dense" stands in');
    present.push(['dense', await ensureFixture('dense')]);
  }
  const subject = await loadSubject();
  for (const [name, modelDir] of present) {
    t.timeout(60 * 60_000, 'a real model takes its time');
    const model = closing(t, await subject.load(modelDir));
    t.deepEqual(await differencesFromGoldens(model, modelDir, name), [], name);
  }
});
