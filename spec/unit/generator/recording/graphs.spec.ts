import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'ava';
import { InferenceSession } from 'onnxruntime-node';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { tapNames } from '../../../../generator/onnx/taps.ts';
import {
  ensureFixtureGraphs,
  GRAPHS,
  GRAPHS_VERSION,
  writeGraphs,
} from '../../../../generator/recording/graphs.ts';
import { hashFiles } from '../../../../generator/recording/models.ts';
import { readManifest } from '../../../../golden/goldens.ts';
import { folderDigest } from '../../../support/models/folder-digest.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { makeModel, writeModelDirectory } from '../../../support/properties/arbitraries.ts';
import { DENSE } from '../onnx/checkpoints.ts';

trackResources(test);

test('a checkpoint gets three graphs: plain for the reference, tapped, and tapped in float64', async (t) => {
  const modelDir = temporaryFolder(t);
  const model = makeModel(DENSE, 'F32', 1);
  writeModelDirectory(modelDir, model);
  await writeGraphs(modelDir);
  const onnx = join(modelDir, 'onnx');
  t.deepEqual(readdirSync(onnx).sort(), [
    'model.onnx',
    'model.safetensors',
    'model_float64.onnx',
    'model_tapped.onnx',
  ]);
  for (const [name, taps, type] of [
    [GRAPHS.reference, [], 'float32'],
    [GRAPHS.tapped, tapNames(model.config), 'float32'],
    [GRAPHS.float64, tapNames(model.config), 'float64'],
  ] as const) {
    const session = await InferenceSession.create(join(onnx, `${name}.onnx`));
    t.teardown(() => session.release());
    const stages = session.outputNames.filter((output) => !/^(logits|present\.)/.test(output));
    t.deepEqual(stages.sort(), [...taps].sort(), name);
    const logits = session.outputMetadata.find((output) => output.name === 'logits');
    t.is(logits?.isTensor && logits.type, type);
  }
});

/** {@link folderDigest} of the `onnx/` of fixtures, as GRAPHS_VERSION 1 makes it. */
const BYTES = {
  dense: '1e1e9d2756d3f41173f18948241ec8f6',
  moe: '1cb766eee49d7c69fbd9d6b33d24557d',
  'moe-nonorm': '0cf689a384059fe1b7381df69f64a983',
  outliers: '7edb98269482cbfd8b3d5b0cd3ef4648',
};
for (const [name, bytes] of Object.entries(BYTES)) {
  test(`the graphs of ${name} have the bytes that their version says, beside what its goldens were recorded from`, async (t) => {
    const modelDir = await ensureFixtureGraphs(name, temporaryFolder(t));
    t.deepEqual(await hashFiles(modelDir), readManifest(name).sha256);
    const advice = 'raise GRAPHS_VERSION, or caches keep the old graphs; then put the new values here';
    t.deepEqual([GRAPHS_VERSION, folderDigest(join(modelDir, 'onnx'))], [1, bytes], advice);
  });
}

test('graphs that are there are not made again, and the fixture itself has none', async (t) => {
  const folder = temporaryFolder(t);
  const modelDir = await ensureFixtureGraphs('outliers', folder);
  writeFileSync(join(modelDir, 'onnx', 'model.onnx'), 'as it was');
  t.is(await ensureFixtureGraphs('outliers', folder), modelDir);
  const fixture = await ensureFixture('outliers', folder);
  t.deepEqual(readdirSync(folder).sort(), [basename(fixture), basename(modelDir)]);
  t.false(existsSync(join(fixture, 'onnx')));
});
