import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { countParameters } from '../../../../engine/checkpoint/parameters.ts';
import { readModelConfig } from '../../../../engine/checkpoint/read-config.ts';
import { HubError } from '../../../../engine/errors.ts';
import { type OpenModelOptions, openModel } from '../../../../generator/recording/models.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { DENSE } from '../onnx/checkpoints.ts';
import { transformersJsDirectory } from './foreign-graph.ts';

trackResources(test);

const IDS = [7, 0, 52];
const GRAPH_FILES = ['config.json', 'onnx/model.onnx', 'onnx/model.onnx_data'];

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/**
 * Puts a model into a cache in the layout of the hub's clients: symbolic links to blobs that are named by
 * their hashes. @returns the snapshot's folder.
 */
function intoCache(cache: string, model: string, files: Readonly<Record<string, Uint8Array>>): string {
  const folder = join(cache, `models--${model.replace('/', '--')}`);
  const commit = 'c'.repeat(40);
  const snapshot = join(folder, 'snapshots', commit);
  for (const [file, bytes] of Object.entries(files)) {
    const blob = join(folder, 'blobs', sha256Of(bytes));
    for (const path of [blob, join(snapshot, file)]) mkdirSync(dirname(path), { recursive: true });
    writeFileSync(blob, bytes);
    symlinkSync(blob, join(snapshot, file));
  }
  mkdirSync(join(folder, 'refs'));
  writeFileSync(join(folder, 'refs', 'main'), commit);
  return snapshot;
}

const read = (folder: string, files: readonly string[]) =>
  Object.fromEntries(files.map((file) => [file, readFileSync(join(folder, file))]));

/** Changes the last byte of a cached file. @returns the error that has to refuse it. */
function damage(snapshot: string, file: string) {
  const blob = realpathSync(join(snapshot, file));
  const bytes = readFileSync(blob);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(blob, bytes);
  const message = `${blob}: has SHA-256 ${sha256Of(bytes)}; expected the one in its name; remove it to have it fetched again`;
  return { instanceOf: HubError, message };
}

/** The hash of a cached file. */
const hashIn = (snapshot: string, file: string) => sha256Of(readFileSync(join(snapshot, file)));

const environment = (cache: string) => ({ HF_HUB_CACHE: cache, HF_HUB_OFFLINE: '1' });

test.serial('a model of the hub with a graph and no weights is found in the cache', async (t) => {
  const cache = temporaryFolder(t);
  const source = await transformersJsDirectory(t, { weights: false });
  const snapshot = intoCache(cache, 'org/made-up', read(source, GRAPH_FILES));
  const env = environment(cache);
  const opened = await openModel('org/made-up', { env });
  t.teardown(() => opened.close());
  const { name, source: called, recorder, sha256 } = opened;
  t.deepEqual([name, called], ['org--made-up', 'org/made-up']);
  t.deepEqual(Object.keys(sha256), GRAPH_FILES);
  t.is((await recorder.reference.forward(IDS, 1)).logits.length, 53);
  const refused = damage(snapshot, 'onnx/model.onnx_data');
  await t.throwsAsync(openModel('org/made-up', { env }), refused);
});

/** A cache with a model and, in another repository, its graph; and a `models.json` that lists both. */
async function modelWithGraphElsewhere(t: ExecutionContext) {
  const [cache, folder] = [temporaryFolder(t), temporaryFolder(t)];
  const source = await transformersJsDirectory(t, { weights: true });
  const config = { ...DENSE, architectures: ['Qwen3ForCausalLM'] };
  writeFileSync(join(source, 'config.json'), JSON.stringify(config));
  const files = read(source, ['config.json', 'model.safetensors']);
  // A graph of the model's own repository; `models.json` names another.
  const model = intoCache(cache, 'org/model', { ...files, 'onnx/model.onnx': Buffer.from('not this graph') });
  const { hiddenSize, intermediateSize, vocabSize, ...parsed } = await readModelConfig(source);
  const { numHiddenLayers, numAttentionHeads, numKeyValueHeads, headDim } = parsed;
  const { tieWordEmbeddings, ropeTheta, rmsNormEps } = parsed;
  const tiny = {
    ...{ hiddenSize, intermediateSize, vocabSize, numHiddenLayers, numAttentionHeads, numKeyValueHeads },
    ...{ headDim, tieWordEmbeddings, ropeTheta, rmsNormEps, dtype: 'F32', architecture: 'Qwen3ForCausalLM' },
    parameters: countParameters(await readModelConfig(source)).total,
  };
  // No two files of a real hub are the same.
  const exported = { ...config, max_position_embeddings: 2 * config.max_position_embeddings };
  writeFileSync(join(source, 'config.json'), JSON.stringify(exported));
  const graph = intoCache(cache, 'other/graph', read(source, GRAPH_FILES));
  const models = { 'org/model': { identity: 'tiny', graph: 'other/graph' } };
  writeFileSync(join(folder, 'models.json'), JSON.stringify({ identities: { tiny }, models }));
  const options: OpenModelOptions = { folder, env: environment(cache) };
  return { model, graph, open: () => openModel('org/model', options) };
}

test.serial(
  'a graph of another repository is hashed as that of the model, whose other files are its own',
  async (t) => {
    const { model, graph, open } = await modelWithGraphElsewhere(t);
    const opened = await open();
    t.teardown(() => opened.close());
    t.is(opened.graph, 'other/graph');
    t.is(opened.recorder.config.maxPositionEmbeddings, DENSE.max_position_embeddings);
    t.deepEqual(opened.sha256, {
      'config.json': hashIn(model, 'config.json'),
      'model.safetensors': hashIn(model, 'model.safetensors'),
      'onnx/model.onnx': hashIn(graph, 'onnx/model.onnx'),
      'onnx/model.onnx_data': hashIn(graph, 'onnx/model.onnx_data'),
    });
    const [theirs, ours] = [opened.recorder.reference, opened.recorder.tapped!];
    t.notDeepEqual((await theirs.forward(IDS)).logits, (await ours.forward(IDS)).logits);
  },
);

for (const [whose, file] of [
  ['graph', 'onnx/model.onnx'],
  ['graph', 'onnx/model.onnx_data'],
  ['model', 'model.safetensors'],
] as const) {
  test.serial(`a damaged ${file} of the ${whose} is refused where these are two repositories`, async (t) => {
    const { open, ...snapshots } = await modelWithGraphElsewhere(t);
    const refused = damage(snapshots[whose], file);
    await t.throwsAsync(open(), refused);
  });
}
