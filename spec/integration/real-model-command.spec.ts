import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { countParameters } from '../../engine/checkpoint/parameters.ts';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { Engine } from '../../engine/engine.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { ensureFixtureGraphs } from '../../generator/recording/graphs.ts';
import { GOLDEN_FOLDER, readManifest, readTensors } from '../../golden/goldens.ts';
import { engineSubject } from '../../verify/adapters/engine.ts';
import type { SubjectModel } from '../../verify/subject.ts';
import { differencesFromGoldens } from '../support/golden/real-goldens.ts';
import { LoopbackHub, UNREACHABLE_HUB } from '../support/hub/loopback-hub.ts';
import { closing, temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { runGoldens, runGoldensHere } from '../unit/generator/command.ts';
import { makeForeign } from '../unit/generator/recording/foreign-graph.ts';

trackResources(test);

const MODEL = 'Qwen/Qwen3-0.6B';
const GRAPH = 'onnx-community/Qwen3-0.6B-ONNX';
const NAME = 'Qwen--Qwen3-0.6B';
const DATA = 'onnx/model.onnx_data';

/**
 * A hub with a fixture under the names of the real model and of its graph, and a copy of the goldens whose
 * `models.json` has the fixture's identity under these names.
 */
async function setUp(t: ExecutionContext) {
  const folder = temporaryFolder(t);
  const fixture = await ensureFixtureGraphs('dense');
  const exported = join(folder, 'exported');
  cpSync(fixture, exported, { recursive: true });
  makeForeign(join(exported, 'onnx', 'model.onnx'));
  const read = (dir: string, files: string[]) =>
    Object.fromEntries(files.map((file) => [file, readFileSync(join(dir, file))]));
  const weights = read(fixture, ['config.json', 'generation_config.json', 'model.safetensors']);
  const graph = read(exported, ['config.json', 'onnx/model.onnx', DATA]);
  const exportedConfig = JSON.parse(String(graph['config.json']));
  exportedConfig['transformers.js_config'] = { use_external_data_format: { 'model.onnx': true } };
  graph['config.json'] = Buffer.from(JSON.stringify(exportedConfig));
  // The same weights, but no two files of a real hub are the same.
  graph[DATA] = Buffer.concat([graph[DATA], Buffer.alloc(64)]);
  rmSync(exported, { recursive: true });
  const hub = closing(t, await LoopbackHub.start({}, { [MODEL]: weights, [GRAPH]: graph }));

  const goldens = join(folder, 'goldens');
  cpSync(join(GOLDEN_FOLDER, 'prompts.json'), join(goldens, 'prompts.json'));
  const { hiddenSize, intermediateSize, vocabSize, ...config } = await readModelConfig(fixture);
  const { numHiddenLayers, numAttentionHeads, numKeyValueHeads, headDim } = config;
  const { tieWordEmbeddings, ropeTheta, rmsNormEps } = config;
  const tiny = {
    ...{ hiddenSize, intermediateSize, vocabSize, numHiddenLayers, numAttentionHeads, numKeyValueHeads },
    ...{ headDim, tieWordEmbeddings, ropeTheta, rmsNormEps },
    architecture: 'Qwen3ForCausalLM',
    parameters: countParameters(await readModelConfig(fixture)).total,
    dtype: 'F32',
  };
  const models = { identities: { tiny }, models: { [MODEL]: { identity: 'tiny', graph: GRAPH } } };
  writeFileSync(join(goldens, 'models.json'), JSON.stringify(models));

  const cache = join(folder, 'cache');
  const env: NodeJS.ProcessEnv = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache, HF_HOME: cache };
  const asProcess: typeof runGoldensHere = (args, more) => runGoldens(t, args, more);
  const run = (args: string[] = [], more: NodeJS.ProcessEnv = {}, runs = runGoldensHere) =>
    runs(['--model', MODEL, '--only', 'ids-short', '--folder', goldens, ...args], {
      ...{ HF_HUB_OFFLINE: '', TRANSFORMERS_OFFLINE: '', ...env },
      ...more,
    });
  /** Fails with one line, and leaves the goldens as they are. */
  const fails = async (message: RegExp, more?: NodeJS.ProcessEnv) => {
    const { exitCode, out, err } = await run([], more);
    t.deepEqual({ exitCode, out }, { exitCode: 1, out: '' });
    t.regex(err, /^plumbline-goldens: [^\n]+\n$/);
    t.regex(err, message);
    t.deepEqual(readdirSync(goldens).sort(), ['models.json', 'prompts.json']);
  };
  const snapshot = (model: string) =>
    join(cache, `models--${model.replace('/', '--')}`, 'snapshots', hub.commit);
  return { hub, goldens, graph, run, asProcess, fails, snapshot };
}

test('the real model is fetched, its identity checked, and recorded from the graph of its other repository', async (t) => {
  const { hub, goldens, run, asProcess, snapshot } = await setUp(t);
  const { exitCode, out, err } = await run();
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.regex(out, /^Qwen--Qwen3-0\.6B: 0 unchanged, 1 changed, new or removed\n {2}new {6}ids-short: /);
  const accepted = await runGoldens(t, ['--accept', '--folder', goldens]);
  t.is(accepted.exitCode, 0);

  const manifest = readManifest(NAME, goldens);
  t.deepEqual([manifest.source, manifest.graph], [MODEL, GRAPH]);
  const sha256 = (model: string, file: string) => [file, hub.oidOf(file, model)];
  const { 'config.json': _, 'generation_config.json': __, ...large } = manifest.sha256;
  t.deepEqual(
    large,
    Object.fromEntries([
      sha256(MODEL, 'model.safetensors'),
      sha256(GRAPH, 'onnx/model.onnx'),
      sha256(GRAPH, DATA),
    ]),
  );
  // The same model as the fixture, so only the CPU may make a difference.
  const [real, fixture] = [readTensors(NAME, 'ids-short', goldens), readTensors('dense', 'ids-short')];
  t.true(real.logits.every((value, i) => Math.abs(value - fixture.logits[i]) < 1e-3));
  t.is(real.logitsFloat64?.length, fixture.logitsFloat64?.length);
  t.is(real.hiddenStates?.length, fixture.hiddenStates?.length);

  // The engine is compared with them, on the weights of the model's own repository.
  const engine = closing(t, await engineSubject('plumbline', Engine).load(snapshot(MODEL)));
  const differences = (subject: SubjectModel) =>
    differencesFromGoldens(subject, snapshot(MODEL), NAME, goldens);
  t.deepEqual(await differences(engine), []);
  const forward: SubjectModel['forward'] = async (request) => {
    const { rows } = await engine.forward(request);
    return { rows: rows.map(({ values }) => ({ values: values.map((value) => value * 1.001) })) };
  };
  const [line, ...others] = await differences({ ...engine, forward });
  t.regex(
    line,
    /^ids-short: differs from the golden first at logits, position 0, index \d+: got \S+, expected /,
  );
  t.deepEqual(others, []);
  const elsewhere = await differencesFromGoldens(engine, await ensureFixture('outliers'), NAME, goldens);
  t.true(elsewhere.some((text) => /^model\.safetensors has SHA-256 \w+, the goldens are of \w+$/.test(text)));

  // Without a network, from the cache.
  await hub.close();
  const again = await run(['--check'], { HF_HUB_OFFLINE: '1' }, asProcess);
  t.deepEqual([again.exitCode, again.err], [0, '']);
  t.regex(again.out, /^Qwen--Qwen3-0\.6B: 1 unchanged/);
});

test('another model under the name of the real one is refused with every difference', async (t) => {
  const { goldens, fails, snapshot } = await setUp(t);
  copyFileSync(join(GOLDEN_FOLDER, 'models.json'), join(goldens, 'models.json'));
  await fails(
    /is not Qwen\/Qwen3-0\.6B: hiddenSize is 64, expected 1024; numHiddenLayers is 3, expected 28; .*the number of parameters is \d+, expected 596049920; .*model\.norm\.weight is stored in F32, expected BF16/,
  );
  t.false(existsSync(snapshot(GRAPH)), 'its graph is not fetched at all');
});

test('wrong bytes of weights or graph are refused, when fetched and in the cache', async (t) => {
  const { hub, graph, fails, snapshot } = await setUp(t);
  const flipped = Buffer.from(graph[DATA]);
  flipped[flipped.length >> 1] ^= 1;
  const oid = hub.oidOf(DATA, GRAPH);
  hub.intercept = ({ line }, response) => line === `GET /${oid}` && !!response.end(flipped);
  await fails(
    /Qwen3-0\.6B-ONNX\/resolve\/\w+\/onnx\/model\.onnx_data: has SHA-256 \w+, but the hub announces/,
  );
  t.deepEqual(readdirSync(join(snapshot(GRAPH), 'onnx')), ['model.onnx']);

  hub.intercept = () => false;
  const weights = realpathSync(join(snapshot(MODEL), 'model.safetensors'));
  const bytes = readFileSync(weights);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(weights, bytes);
  await fails(
    /blobs\/\w{64}: has SHA-256 \w+; expected the one in its name; remove it to have it fetched again/,
  );
});

test('a graph without its weights, or with other weights than the model’s, is refused even if its hash is right', async (t) => {
  const { hub, graph, fails } = await setUp(t);
  const data = Buffer.from(graph[DATA]);
  delete hub.repositories[GRAPH][DATA];
  await fails(/Qwen3-0\.6B-ONNX: the repository has no onnx\/model\.onnx_data \(commit /);
  // Another commit, because missing files of a commit are cached.
  hub.commit = '2e'.repeat(20);
  // Flips the signs of some weights.
  for (let i = data.length - 40_000; i < data.length; i += 4) data[i + 3] ^= 0x80;
  hub.repositories[GRAPH][DATA] = data;
  await fails(
    /ids-short: the last logits of the reference's graph and of our own graph of the weights differ by /,
  );
});

test('without a network, the error names the missing file and the reason', async (t) => {
  const { fails } = await setUp(t);
  await fails(
    /Qwen\/Qwen3-0\.6B: the cache \S+ lacks config\.json, .*HF_HUB_OFFLINE=1 forbids fetching it; unset that/,
    {
      HF_HUB_OFFLINE: '1',
    },
  );
  await fails(
    /api\/models\/Qwen\/Qwen3-0\.6B\S*: cannot be fetched \(.*ECONNREFUSED.*\); check the network/,
    {
      HF_ENDPOINT: UNREACHABLE_HUB,
    },
  );
});
