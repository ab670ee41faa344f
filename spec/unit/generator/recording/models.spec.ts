import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CheckpointError, ConfigError, HubError } from '../../../../engine/errors.ts';
import { standInTokenizer } from '../../../../generator/fixtures/stand-in-tokenizer.ts';
import { hashFiles, openModel } from '../../../../generator/recording/models.ts';
import { readManifest } from '../../../../golden/goldens.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { checkpoint, DENSE } from '../onnx/checkpoints.ts';
import { transformersJsDirectory } from './foreign-graph.ts';

trackResources(test);

const IDS = [7, 0, 52];

async function open(t: ExecutionContext, model: string) {
  const opened = await openModel(model);
  t.teardown(() => opened.close());
  return opened;
}

/** The files in the temporary folder, which is this test file's own while resources are tracked. */
const copies = () => readdirSync(tmpdir()).filter((name) => /^plumbline-(?!onnx-)/.test(name));

test.serial('a fixture is recorded from our graphs of it, and no copy is made', async (t) => {
  const { name, source, seed, recorder, sha256 } = await open(t, 'outliers');
  t.deepEqual([name, source, seed], ['outliers', 'fixture', 'outliers']);
  t.deepEqual(sha256, readManifest('outliers').sha256);
  t.true(recorder.tapped !== undefined && recorder.twin !== undefined);
  t.is(recorder.tokenizer, undefined);
  t.is(recorder.config.vocabSize, 384);
  t.is(recorder.selection.maxPositions, 24);
  t.deepEqual(copies(), []);
});

test.serial(
  'a checkpoint is recorded from our graphs in a copy: nothing is written into its directory',
  async (t) => {
    const modelDir = await checkpoint(t, DENSE);
    const before = await hashFiles(modelDir);
    const opened = await openModel(modelDir);
    t.deepEqual(readdirSync(modelDir).sort(), ['config.json', 'model.safetensors']);
    t.deepEqual([opened.name, opened.source, opened.seed], [basename(modelDir), modelDir, undefined]);
    t.deepEqual(Object.keys(opened.sha256), ['config.json', 'model.safetensors', 'onnx/model.onnx']);
    t.is(opened.sha256['model.safetensors'], before['model.safetensors']);
    const { logits } = await opened.recorder.reference.forward(IDS);
    const { stages } = await opened.recorder.tapped!.forward(IDS);
    const truth = await opened.recorder.twin!.forward(IDS);
    t.is(logits.length, truth.logits.length);
    t.is(stages.size, truth.stages.size);
    t.is(copies().length, 1);
    await opened.close();
    t.deepEqual(copies(), []);
  },
);

test.serial(
  'of a large model hidden states and float64 are computed on demand, as the graphs in memory do',
  async (t) => {
    const modelDir = await checkpoint(t, DENSE, 'BF16');
    const inMemory = await open(t, modelDir);
    const onDemand = await openModel(modelDir, { onDemandFrom: 1 });
    t.teardown(() => onDemand.close());
    for (const graph of ['tapped', 'twin'] as const) {
      const resident = inMemory.recorder[graph]!;
      const released = onDemand.recorder[graph]!;
      t.true('dispose' in resident && !('dispose' in released), graph);
      const [expected, got] = [await resident.forward(IDS, 2), await released.forward(IDS, 2)];
      t.deepEqual([...got.stages.keys()], [...expected.stages.keys()]);
      got.stages.set('logits', got.logits as never);
      for (const [name, values] of [...expected.stages, ['logits', expected.logits] as const]) {
        const distance = values.map((value: number, i: number) => Math.abs(value - got.stages.get(name)![i]));
        t.true(values.length > 0 && Math.max(...distance) < 1e-5, `${graph} ${name}`);
      }
      t.deepEqual((await released.forward(IDS, 2)).logits, got.logits, 'again');
    }
  },
);

test.serial('a small model stays in memory', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  // 2·53·20 of embedding and head, 2 layers of 20·24·2 + 20·12·2 + 3·20·28 and their norms, and the final
  // norm.
  const weights = 2 * 53 * 20 + 2 * (20 * 24 * 2 + 20 * 12 * 2 + 3 * 20 * 28 + 2 * 20 + 2 * 6) + 20;
  for (const [onDemandFrom, isReleased] of [
    [weights, true],
    [weights + 1, false],
  ] as const) {
    const opened = await openModel(modelDir, { onDemandFrom });
    t.is('dispose' in opened.recorder.twin!, !isReleased);
    await opened.close();
  }
});

test.serial(
  'a directory with a graph alone is recorded from it, without hidden states or float64',
  async (t) => {
    const modelDir = await transformersJsDirectory(t, { weights: false });
    const { recorder, sha256 } = await open(t, modelDir);
    t.deepEqual([recorder.tapped, recorder.twin], [undefined, undefined]);
    t.is((await recorder.reference.forward(IDS, 1)).logits.length, 53);
    t.deepEqual(Object.keys(sha256), ['config.json', 'onnx/model.onnx', 'onnx/model.onnx_data']);
    t.deepEqual(copies(), []);
  },
);

test.serial(
  'a directory with both is recorded from its own graph; hidden states and float64 come from ours',
  async (t) => {
    const modelDir = await transformersJsDirectory(t, { weights: true });
    const { recorder, sha256 } = await open(t, modelDir);
    const theirs = (await recorder.reference.forward(IDS)).logits;
    const ours = (await recorder.tapped!.forward(IDS)).logits;
    const truth = (await recorder.twin!.forward(IDS)).logits;
    const distance = (a: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - truth[i])));
    t.true(distance(ours) < 1e-4);
    t.true(distance(theirs) > 1e-2, 'the other graph has another epsilon');
    const graph = readFileSync(join(modelDir, 'onnx', 'model.onnx'));
    t.is(sha256['onnx/model.onnx'], createHash('sha256').update(graph).digest('hex'));
    t.deepEqual(readdirSync(modelDir).sort(), ['config.json', 'model.safetensors', 'onnx']);
  },
);

test.serial('a tokenizer is loaded if the model has one', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  for (const [file, json] of Object.entries(standInTokenizer(258))) {
    writeFileSync(join(modelDir, file), JSON.stringify(json));
  }
  const { recorder, sha256 } = await open(t, modelDir);
  t.deepEqual(recorder.tokenizer!.encode('Hi!<|im_end|>'), [72, 105, 33, 257]);
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    const bytes = readFileSync(join(modelDir, file));
    t.is(sha256[file], createHash('sha256').update(bytes).digest('hex'), file);
  }
});

test.serial('a directory without weights and graph is refused', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  rmSync(join(modelDir, 'model.safetensors'));
  await t.throwsAsync(openModel(modelDir), {
    instanceOf: CheckpointError,
    message: `${modelDir}: has neither weights (*.safetensors) nor onnx/model.onnx; there is nothing to record`,
  });
});

test.serial('a model that cannot be opened leaves no temporary folder', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  const torn = readFileSync(join(modelDir, 'model.safetensors')).subarray(0, 500);
  writeFileSync(join(modelDir, 'model.safetensors'), torn);
  await t.throwsAsync(openModel(modelDir), { instanceOf: CheckpointError });
  t.deepEqual(copies(), []);
  writeFileSync(join(modelDir, 'config.json'), '{}');
  await t.throwsAsync(openModel(modelDir), { instanceOf: ConfigError });
  t.deepEqual(copies(), []);
});

test.serial(
  'a graph that cannot be loaded is refused, and the graphs opened before are closed',
  async (t) => {
    const modelDir = await transformersJsDirectory(t, { weights: true });
    writeFileSync(join(modelDir, 'onnx', 'model.onnx'), 'torn');
    await t.throwsAsync(openModel(modelDir), { instanceOf: CheckpointError, message: /cannot load it/ });
    t.deepEqual(copies(), []);
  },
);

for (const model of ['./not-there', 'toString', 'no such model']) {
  test.serial(`"${model}" is neither a fixture, nor a directory, nor a hub id`, async (t) => {
    await t.throwsAsync(openModel(model), { instanceOf: HubError });
  });
}

test('only files that decide the goldens are hashed', async (t) => {
  const modelDir = temporaryFolder(t);
  mkdirSync(join(modelDir, 'onnx'));
  const decisive = [
    'config.json',
    'generation_config.json',
    'model-00001-of-00002.safetensors',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
    // An index may name its shards as it likes.
    'weights-1.safetensors',
    'onnx/model.onnx',
    'onnx/model.onnx_data',
    'onnx/model.onnx_data_1',
  ];
  const others = [
    'README.md',
    'vocab.json',
    'onnx/model_tapped.onnx',
    'onnx/model.safetensors',
    'onnx/model_q8.onnx',
  ];
  for (const file of [...decisive, ...others]) writeFileSync(join(modelDir, file), file);
  const hashes = await hashFiles(modelDir);
  t.deepEqual(Object.keys(hashes), decisive);
  for (const file of decisive) t.is(hashes[file], createHash('sha256').update(file).digest('hex'));
  rmSync(join(modelDir, 'onnx'), { recursive: true });
  t.is(Object.keys(await hashFiles(modelDir)).length, 7);
});
