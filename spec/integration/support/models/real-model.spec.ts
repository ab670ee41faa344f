import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HubError, ModelIdentityError } from '../../../../engine/errors.ts';
import { LoopbackHub } from '../../../support/hub/loopback-hub.ts';
import { findRealModel, NETWORK_VARIABLE } from '../../../support/models/real-model.ts';
import { QWEN3_0_6B_CONFIG, writeSparseCheckpoint } from '../../../support/models/sparse-checkpoint.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const MODEL = 'Qwen/Qwen3-0.6B';

/** A hub that has a model of two layers where the real one should be. */
async function setUp(t: ExecutionContext) {
  const folder = temporaryFolder(t);
  const small = {
    ...QWEN3_0_6B_CONFIG,
    num_hidden_layers: 2,
    vocab_size: 16,
    hidden_size: 8,
    intermediate_size: 8,
  };
  writeSparseCheckpoint(folder, small);
  const files = Object.fromEntries(
    ['config.json', 'model.safetensors'].map((file) => [file, readFileSync(join(folder, file))]),
  );
  const texts = { 'tokenizer.json': '{}', 'tokenizer_config.json': '{}' };
  const hub = closing(t, await LoopbackHub.start({}, { [MODEL]: { ...files, ...texts } }));
  const env = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(folder, 'cache'), HF_HOME: folder };
  return { hub, env };
}

test('a model that is not cached is absent, and no server is asked for it', async (t) => {
  const { hub, env } = await setUp(t);
  t.is(await findRealModel(MODEL, env), undefined);
  t.deepEqual(hub.lines, []);
});

test('with the network allowed it is fetched, and then it is found in the cache: held to its identity each time', async (t) => {
  const { hub, env } = await setUp(t);
  const refused = { instanceOf: ModelIdentityError, message: /is not Qwen\/Qwen3-0\.6B: hiddenSize is 8, / };
  await t.throwsAsync(
    findRealModel(MODEL, { ...env, [NETWORK_VARIABLE]: '1', HF_HUB_OFFLINE: '1' }),
    refused,
  );
  t.true(hub.lines.length > 0);
  await hub.close();
  await t.throwsAsync(findRealModel(MODEL, env), refused);
});

test('a model that is cached is found without the network, whichever tool put it there', async (t) => {
  const cache = temporaryFolder(t);
  const commit = 'c'.repeat(40);
  const model = join(cache, 'models--Qwen--Qwen3-0.6B');
  const snapshot = join(model, 'snapshots', commit);
  writeSparseCheckpoint(snapshot);
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) writeFileSync(join(snapshot, file), '{}');
  mkdirSync(join(model, 'refs'));
  writeFileSync(join(model, 'refs', 'main'), commit);
  t.is(await findRealModel(MODEL, { HF_HUB_CACHE: cache, HF_HOME: cache }), snapshot);
});

test('with the network allowed, a hub that is away is an error, not an absent model', async (t) => {
  const { hub, env } = await setUp(t);
  await hub.close();
  await t.throwsAsync(findRealModel(MODEL, { ...env, [NETWORK_VARIABLE]: '1' }), { instanceOf: HubError });
});

test('a model that the goldens do not list is a mistake', async (t) => {
  await t.throwsAsync(findRealModel('Qwen/Qwen3-8B', {}), { instanceOf: RangeError });
});
