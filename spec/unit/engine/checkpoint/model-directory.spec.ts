import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ModelDirectory } from '../../../../engine/checkpoint/model-directory.ts';
import { CheckpointError, ConfigError } from '../../../../engine/errors.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import { DENSE_CONFIG, denseModel, modelDirectory } from '../tiny-models.ts';

// A directory that is refused must be closed again: a file that stays open fails this spec.
trackResources(test);

const EMBEDDING = 'model.embed_tokens.weight';

test('an open directory has the configuration and the weights', async (t) => {
  const model = denseModel();
  const path = modelDirectory(t, model);
  const directory = closing(t, await ModelDirectory.open(path));
  t.is(directory.path, path);
  t.deepEqual(directory.config, model.config);
  t.deepEqual([...directory.checkpoint.tensors.keys()].sort(), [...model.weights.keys()].sort());
  t.is(directory.checkpoint.get(EMBEDDING).file.read(EMBEDDING).length, 4 * 19 * 13);
});

test('a closed directory cannot be read, and may be closed again', async (t) => {
  const directory = await ModelDirectory.open(modelDirectory(t, denseModel()));
  directory.close();
  t.notThrows(() => directory.close());
  t.throws(() => directory.checkpoint.get(EMBEDDING).file.read(EMBEDDING), {
    instanceOf: CheckpointError,
    message: /has been closed/,
  });
});

test('a directory without a configuration is refused', async (t) => {
  const path = modelDirectory(t, denseModel());
  rmSync(join(path, 'config.json'));
  await t.throwsAsync(ModelDirectory.open(path), { instanceOf: ConfigError, message: /config\.json/ });
});

test('a directory without weights is refused', async (t) => {
  const path = modelDirectory(t, denseModel());
  rmSync(join(path, 'model.safetensors'));
  await t.throwsAsync(ModelDirectory.open(path), { instanceOf: CheckpointError, message: /has neither/ });
});

test('weights that do not fit the configuration are refused, and their files closed', async (t) => {
  const path = modelDirectory(t, denseModel());
  writeFileSync(join(path, 'config.json'), JSON.stringify({ ...DENSE_CONFIG, hidden_size: 12 }));
  await t.throwsAsync(ModelDirectory.open(path), {
    instanceOf: CheckpointError,
    message: /model\.embed_tokens\.weight" has shape \[19, 13\]; config\.json asks for \[19, 12\]/,
  });
});
