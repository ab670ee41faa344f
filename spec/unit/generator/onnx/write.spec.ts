import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import test from 'ava';
import { type TensorData, writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { CheckpointError, ConfigError, FileError } from '../../../../engine/errors.ts';
import { type WriteOnnxGraphOptions, writeOnnxGraph } from '../../../../generator/onnx/write.ts';
import { makeModel, writeModelDirectory } from '../../../support/properties/arbitraries.ts';
import { checkpoint, DENSE, MOE, type Teardown, temporaryDir } from './checkpoints.ts';
import { run, session, values } from './sessions.ts';

const IDS = [[2, 7, 1, 8, 52, 0]];
const FLOAT32 = { precision: 'float32', taps: false } as const;

async function logits(t: Teardown, options: WriteOnnxGraphOptions): Promise<number[]> {
  return values(await run(await session(t, await writeOnnxGraph(options)), { ids: IDS }), 'logits');
}

/** A checkpoint's tensors, to be altered and written again. */
function tensorsOf(json: Readonly<Record<string, unknown>>): Map<string, TensorData> {
  const entries = [...makeModel(json, 'F32', 1).weights].map(
    ([name, { shape, data }]) => [name, { dtype: 'F32', shape, data: Float32Array.from(data) }] as const,
  );
  return new Map(entries);
}

test('the graph goes to the folder onnx, under the names by which transformers.js picks a dtype', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  const paths = [
    await writeOnnxGraph({ modelDir, ...FLOAT32 }),
    await writeOnnxGraph({ modelDir, ...FLOAT32, quantization: 'int8' }),
    await writeOnnxGraph({ modelDir, precision: 'float64', taps: false }),
    await writeOnnxGraph({ modelDir, ...FLOAT32, fileName: 'tapped', taps: true }),
  ];
  t.deepEqual(
    paths.map((path) => path.slice(modelDir.length)),
    ['/onnx/model.onnx', '/onnx/model_quantized.onnx', '/onnx/model_float64.onnx', '/onnx/tapped.onnx'],
  );
  const files = [...paths.map((path) => basename(path)), 'model.safetensors'];
  t.deepEqual((await readdir(join(modelDir, 'onnx'))).sort(), files.sort());
});

test('the weights are not copied: the graph lies beside a hard link of them', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  await writeOnnxGraph({ modelDir, ...FLOAT32 });
  const [original, linked] = await Promise.all([
    stat(join(modelDir, 'model.safetensors')),
    stat(join(modelDir, 'onnx', 'model.safetensors')),
  ]);
  t.is(linked.ino, original.ino);
});

test('weights that cannot be linked are a FileError, and no graph is left that would point nowhere', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  const onnxDir = join(modelDir, 'onnx');
  await mkdir(join(onnxDir, 'model.safetensors'), { recursive: true });
  const error = await t.throwsAsync(writeOnnxGraph({ modelDir, ...FLOAT32 }), { instanceOf: FileError });
  t.true(error.message.startsWith(`cannot write ${join(onnxDir, 'model.onnx')} (E`), error.message);
  t.deepEqual(await readdir(onnxDir), ['model.safetensors']);
});

test('replaced weights are linked again', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  const before = await logits(t, { modelDir, ...FLOAT32 });
  writeModelDirectory(modelDir, makeModel(DENSE, 'F32', 2));
  t.notDeepEqual(await logits(t, { modelDir, ...FLOAT32 }), before);
});

test('a checkpoint in shards gives the bits of one in a single file', async (t) => {
  const tensors = [...tensorsOf(DENSE)];
  const modelDir = await temporaryDir(t);
  await writeFile(join(modelDir, 'config.json'), JSON.stringify(DENSE));
  const shards = { 'a-1.safetensors': tensors.slice(0, 11), 'a-2.safetensors': tensors.slice(11) };
  const weightMap = Object.entries(shards).flatMap(([shard, parts]) => parts.map(([name]) => [name, shard]));
  for (const [shard, parts] of Object.entries(shards))
    writeSafetensors(join(modelDir, shard), new Map(parts));
  const index = JSON.stringify({ weight_map: Object.fromEntries(weightMap) });
  await writeFile(join(modelDir, 'model.safetensors.index.json'), index);
  const single = await logits(t, { modelDir: await checkpoint(t, DENSE), ...FLOAT32 });
  t.deepEqual(await logits(t, { modelDir, ...FLOAT32 }), single);
  t.deepEqual((await readdir(join(modelDir, 'onnx'))).sort(), [
    'a-1.safetensors',
    'a-2.safetensors',
    'model.onnx',
  ]);
});

for (const dtype of ['BF16', 'F16'] as const) {
  test(`weights in ${dtype} give the bits of the same numbers in f32`, async (t) => {
    const narrow = makeModel(MOE, dtype, 1);
    const [narrowDir, wideDir] = [await temporaryDir(t), await temporaryDir(t)];
    writeModelDirectory(narrowDir, narrow);
    writeModelDirectory(wideDir, { ...narrow, dtype: 'F32' });
    const wide = await logits(t, { modelDir: wideDir, ...FLOAT32 });
    t.deepEqual(await logits(t, { modelDir: narrowDir, ...FLOAT32 }), wide);
  });
}

test('weights at odd offsets, after a header of any length, give the same bits', async (t) => {
  const modelDir = await checkpoint(t, MOE);
  const aligned = await logits(t, { modelDir, ...FLOAT32 });
  const path = join(modelDir, 'model.safetensors');
  const bytes = await readFile(path);
  const headerEnd = 8 + Number(bytes.readBigUInt64LE());
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(headerEnd - 8 + 1));
  await writeFile(
    path,
    Buffer.concat([length, bytes.subarray(8, headerEnd), Buffer.from(' '), bytes.subarray(headerEnd)]),
  );
  t.deepEqual(await logits(t, { modelDir, ...FLOAT32 }), aligned);
});

test('taps do not change a bit of the logits', async (t) => {
  const modelDir = await checkpoint(t, MOE);
  t.deepEqual(
    await logits(t, { modelDir, precision: 'float32', taps: true }),
    await logits(t, { modelDir, ...FLOAT32 }),
  );
});

const NAME = 'model.layers.1.mlp.experts.3.up_proj.weight';
const changes: [string, (tensors: Map<string, TensorData>) => void, RegExp][] = [
  ['a missing weight', (tensors) => tensors.delete(NAME), /experts\.3\.up_proj\.weight" is missing/],
  [
    'a weight of another shape',
    (tensors) => tensors.set(NAME, { ...tensors.get(NAME)!, shape: [20, 10] }),
    /experts\.3\.up_proj\.weight" has shape \[20, 10\].*\[10, 20\]/,
  ],
  [
    'a weight of an unsupported dtype',
    (tensors) => tensors.set(NAME, { dtype: 'F64', shape: [10, 20], data: new Float64Array(200) }),
    /experts\.3\.up_proj\.weight" has dtype F64/,
  ],
  [
    'a weight that no part of the model uses',
    (tensors) =>
      tensors.set('model.layers.0.self_attn.q_proj.bias', {
        dtype: 'F32',
        shape: [1],
        data: new Uint8Array(4),
      }),
    /q_proj\.bias" is not a weight of this architecture/,
  ],
];
for (const [what, change, message] of changes) {
  test(`${what} is refused by name, and nothing is written`, async (t) => {
    const modelDir = await checkpoint(t, MOE);
    const tensors = tensorsOf(MOE);
    change(tensors);
    writeSafetensors(join(modelDir, 'model.safetensors'), tensors);
    await t.throwsAsync(writeOnnxGraph({ modelDir, ...FLOAT32 }), { instanceOf: CheckpointError, message });
    t.deepEqual((await readdir(modelDir)).sort(), ['config.json', 'model.safetensors']);
  });
}

test('a folder without config.json is refused', async (t) => {
  await t.throwsAsync(writeOnnxGraph({ modelDir: await temporaryDir(t), ...FLOAT32 }), {
    instanceOf: ConfigError,
  });
});

test('a failed write leaves the old graph and no partial file', async (t) => {
  const modelDir = await checkpoint(t, DENSE);
  const path = await writeOnnxGraph({ modelDir, ...FLOAT32 });
  const before = await readFile(path);
  writeSafetensors(join(modelDir, 'model.safetensors'), new Map([...tensorsOf(DENSE)].slice(1)));
  await t.throwsAsync(writeOnnxGraph({ modelDir, ...FLOAT32, taps: true }), { instanceOf: CheckpointError });
  t.deepEqual(await readFile(path), before);

  writeSafetensors(join(modelDir, 'model.safetensors'), tensorsOf(DENSE));
  const obstacle = join(modelDir, 'onnx', 'obstacle.onnx');
  await mkdir(obstacle);
  const error = await t.throwsAsync(writeOnnxGraph({ modelDir, ...FLOAT32, fileName: 'obstacle' }), {
    instanceOf: FileError,
  });
  t.true(error.message.startsWith(`cannot write ${obstacle} (E`), error.message);
  t.deepEqual((await readdir(join(modelDir, 'onnx'))).sort(), [
    'model.onnx',
    'model.safetensors',
    'obstacle.onnx',
  ]);
});
