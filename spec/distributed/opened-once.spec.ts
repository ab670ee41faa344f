import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Engine } from '../../engine/engine.ts';
import { shardedMoe } from '../support/groups/sharded-models.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { splitOffExperts } from '../support/processes/damage.ts';
import { OPENED_FOLDER, OPENED_LOG } from '../support/processes/log-opened-files.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

const LOGGER = new URL('../support/processes/log-opened-files.ts', import.meta.url);

test.serial('each started rank opens each file of the model once', async (t) => {
  const dir = modelDirectory(t, shardedMoe());
  splitOffExperts(dir, 4);
  const log = join(temporaryFolder(t), 'opened');
  writeFileSync(log, '');
  // This process is not logged: it has started already. load-model.spec.ts holds it to the same.
  const { NODE_OPTIONS = '' } = process.env;
  Object.assign(process.env, {
    [OPENED_FOLDER]: dir,
    [OPENED_LOG]: log,
    NODE_OPTIONS: `${NODE_OPTIONS} --import ${LOGGER}`,
  });
  t.teardown(() => Object.assign(process.env, { [OPENED_FOLDER]: '', [OPENED_LOG]: '', NODE_OPTIONS }));

  const engine = await Engine.load(dir, { ep: 2, threads: 1, cacheTokens: 64 });
  const { logits } = engine.forward([1]);
  await engine.close();
  t.is(logits.length, engine.config.vocabSize);

  const opened = readFileSync(log, 'utf8').trim().split('\n');
  t.is(new Set(opened.map((line) => line.split(' ')[0])).size, 1, 'one other rank has opened files');
  const files = [...readdirSync(dir), 'generation_config.json'].map((file) => join(dir, file));
  t.deepEqual(opened.map((line) => line.split(' ')[1]).sort(), files.sort());
});
