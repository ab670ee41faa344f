import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CheckpointError, FileError, HubError, ModelIdentityError } from '../../../../engine/errors.ts';
import { findModel, refuseDamaged } from '../../../../generator/recording/hub-model.ts';
import { LOOPBACK_MODEL, LoopbackHub } from '../../../support/hub/loopback-hub.ts';
import {
  QWEN3_0_6B,
  QWEN3_0_6B_CONFIG,
  writeSparseCheckpoint,
} from '../../../support/models/sparse-checkpoint.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const GRAPH_MODEL = 'plumbline-spec/tiny-ONNX';
const GRAPH_FILES = { 'config.json': '{}', 'onnx/model.onnx': 'graph', 'onnx/model.onnx_data': 'weights' };
const OTHERS = { 'README.md': '#', 'onnx/model_q4.onnx': 'q4', 'pytorch_model.bin': 'pickle' };

/** A hub with a model and another with its graph, and goldens whose `models.json` lists what is given. */
async function setUp(t: ExecutionContext, files: Record<string, string | Uint8Array>, known: object = {}) {
  const others = { [GRAPH_MODEL]: { ...GRAPH_FILES, ...OTHERS } };
  const hub = closing(t, await LoopbackHub.start({ ...files, ...OTHERS }, others));
  const folder = temporaryFolder(t);
  writeFileSync(
    join(folder, 'models.json'),
    JSON.stringify({ identities: { some: QWEN3_0_6B }, models: known }),
  );
  const cacheDir = temporaryFolder(t);
  const env = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: cacheDir, HF_HOME: cacheDir };
  const fetches: string[] = [];
  const find = (model = LOOPBACK_MODEL) =>
    findModel(model, { folder, env, onFetch: (text) => fetches.push(text) });
  const fetched = () =>
    hub.lines.filter((line) => line.includes('/resolve/')).map((line) => line.split(`${hub.commit}/`)[1]);
  return { hub, folder, fetches, find, fetched };
}

test("an unlisted model's graph and weights are fetched, nothing else, and progress is reported", async (t) => {
  const { fetches, find, fetched } = await setUp(t, { ...GRAPH_FILES, 'model.safetensors': 'w' });
  const { modelDir, graph } = await find();
  t.regex(modelDir, /models--plumbline-spec--tiny\/snapshots/);
  t.is(graph, undefined);
  t.deepEqual(fetched().sort(), [...Object.keys(GRAPH_FILES), 'model.safetensors'].sort());
  t.true(fetches.includes('fetching model.safetensors 100 %'));
});

for (const known of [{ identity: 'some' }, { identity: 'some', graph: GRAPH_MODEL }]) {
  test(`a model listed ${known.graph ? 'with a graph elsewhere' : 'without a graph'} must have its identity before any graph is fetched`, async (t) => {
    const source = temporaryFolder(t);
    const small = { vocab_size: 16, hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1 };
    writeSparseCheckpoint(source, { ...QWEN3_0_6B_CONFIG, ...small });
    const files = Object.fromEntries(
      ['config.json', 'model.safetensors'].map((file) => [file, readFileSync(join(source, file))]),
    );
    const { find, fetched } = await setUp(t, files, { [LOOPBACK_MODEL]: known });
    await t.throwsAsync(find(), {
      instanceOf: ModelIdentityError,
      message:
        /is not plumbline-spec\/tiny: hiddenSize is 8, expected 1024; .*the number of parameters is \d+, expected 596049920;/,
    });
    t.deepEqual(fetched().sort(), ['config.json', 'model.safetensors']);
  });
}

const graphConfig = (use_external_data_format: unknown) =>
  JSON.stringify({ 'transformers.js_config': { use_external_data_format } });

for (const [format, parts] of [
  [2, ['onnx/model.onnx_data', 'onnx/model.onnx_data_1']],
  [true, ['onnx/model.onnx_data']],
  [{ 'model.onnx': 2, model: 1 }, ['onnx/model.onnx_data', 'onnx/model.onnx_data_1']],
  [{ model: 1 }, ['onnx/model.onnx_data']],
  [{ 'model_q4.onnx': 3 }, []],
  [false, []],
  ['nonsense', []],
] as const) {
  test(`a graph whose configuration says ${JSON.stringify(format)} is fetched with its weights in ${parts.length} parts, or refused`, async (t) => {
    const files: Record<string, string> = { 'config.json': graphConfig(format), 'onnx/model.onnx': 'graph' };
    const whole = Object.fromEntries(parts.map((part, i) => [part, `part ${i}`]));
    const { find, fetched } = await setUp(t, { ...files, ...whole });
    await find();
    t.deepEqual(fetched().sort(), [...Object.keys(files), ...parts].sort());
    const torn = await setUp(t, files);
    if (parts.length === 0) await t.notThrowsAsync(torn.find());
    else
      await t.throwsAsync(torn.find(), { instanceOf: HubError, message: /has no onnx\/model\.onnx_data \(/ });
  });
}

test('a directory without the weights of its graph is refused, because transformers.js would wait forever', async (t) => {
  const { folder, find } = await setUp(t, {});
  mkdirSync(join(folder, 'onnx'));
  writeFileSync(join(folder, 'onnx', 'model.onnx'), 'graph');
  writeFileSync(join(folder, 'config.json'), graphConfig(true));
  await t.throwsAsync(find(folder), {
    instanceOf: CheckpointError,
    message: /: has no onnx\/model\.onnx_data, which config\.json lists as weights of the graph/,
  });
  writeFileSync(join(folder, 'config.json'), '{');
  t.deepEqual(await find(folder), { modelDir: folder });
});

test('a listed model without weights is refused', async (t) => {
  const { find } = await setUp(t, GRAPH_FILES, {
    [LOOPBACK_MODEL]: { identity: 'some', graph: GRAPH_MODEL },
  });
  await t.throwsAsync(find(), { instanceOf: HubError, message: /neither model\.safetensors nor / });
});

test('a malformed models.json is an error for a hub id, not for a directory', async (t) => {
  const { folder, find } = await setUp(t, GRAPH_FILES);
  writeFileSync(join(folder, 'models.json'), '{');
  await t.throwsAsync(find(), { instanceOf: FileError, message: /cannot read .*models\.json as JSON: / });
  t.deepEqual(await find(folder), { modelDir: folder });
  await t.throwsAsync(find('./not-there'), { instanceOf: HubError });
});

test('a file of the cache must have the hash in its name; other files are not checked', async (t) => {
  const folder = temporaryFolder(t);
  const modelDir = join(folder, 'snapshot');
  mkdirSync(modelDir);
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const sha1 = createHash('sha1').update('blob 5\0hello').digest('hex');
  const place = (file: string, blob: string, content: string) => {
    writeFileSync(join(folder, blob), content);
    symlinkSync(join(folder, blob), join(modelDir, file));
  };
  place('large', sha256('hello'), 'hello');
  place('small', sha1, 'hello');
  place('elsewhere', 'notes.txt', 'hello');
  writeFileSync(join(modelDir, 'plain'), 'hello');
  const hashes = { plain: '0', elsewhere: '0', missing: '0' };
  await t.notThrowsAsync(refuseDamaged(modelDir, { ...hashes, large: sha256('hello'), small: '0' }));
  await t.throwsAsync(refuseDamaged(modelDir, { large: sha256('hellO') }), {
    instanceOf: HubError,
    message: `${join(folder, sha256('hello'))}: has SHA-256 ${sha256('hellO')}; expected the one in its name; remove it to have it fetched again`,
  });
  writeFileSync(join(folder, sha1), 'hellO');
  await t.throwsAsync(refuseDamaged(modelDir, { small: '0' }), {
    instanceOf: HubError,
    message: `${join(folder, sha1)}: has another git SHA-1 than the one in its name; remove it to have it fetched again`,
  });
});
