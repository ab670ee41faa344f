import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import test from 'ava';
import { Checkpoint } from '../../../../../engine/checkpoint/checkpoint.ts';
import { ConfigError } from '../../../../../engine/errors.ts';
import { widen } from '../../../../../engine/kernels/widen.ts';
import { writeGgufModel } from '../../../../../generator/export/gguf/write-model.ts';
import { ensureFixture } from '../../../../../generator/fixtures/fixtures.ts';
import { closing, temporaryFolder, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

const read = async (path: string) => {
  const { metadata, ...rest } = await gguf(path, { allowLocalFile: true });
  return { ...rest, metadata: metadata as unknown as Record<string, unknown> };
};

test('a checkpoint is found in its GGUF file byte for byte, norms in f32', async (t) => {
  const modelDir = await ensureFixture('dense-bf16');
  const path = join(temporaryFolder(t), 'x.gguf');
  await writeGgufModel(modelDir, path, { name: 'mine' });
  const { metadata, tensorInfos, tensorDataOffset } = await read(path);
  t.like(metadata, { 'general.architecture': 'qwen3', 'general.name': 'mine', 'general.file_type': 32 });
  t.is(metadata['qwen3.attention.layer_norm_rms_epsilon'], Math.fround(1e-6));
  const file = readFileSync(path);
  const checkpoint = closing(t, Checkpoint.open(modelDir));
  t.is(tensorInfos.length, checkpoint.tensors.size);
  const embedding = checkpoint.get('model.embed_tokens.weight').file;
  const norm = checkpoint.get('model.norm.weight').file;
  for (const [name, dtype, shape, expected] of [
    ['token_embd.weight', 30, [64, 151936], embedding.read('model.embed_tokens.weight')],
    ['output_norm.weight', 0, [64], new Uint8Array(widen('BF16', norm.read('model.norm.weight')).buffer)],
  ] as const) {
    const found = tensorInfos.find((tensor) => tensor.name === name)!;
    t.is(found.dtype, dtype, name);
    t.deepEqual(found.shape.map(Number), [...shape], name);
    const begin = Number(tensorDataOffset + found.offset);
    t.true(Buffer.from(expected).equals(file.subarray(begin, begin + expected.length)), name);
  }
});

for (const [type, fileType, dtype] of [
  ['f32', 0, 0],
  ['bf16', 32, 30],
  ['q8_0', 7, 8],
] as const) {
  test(`a mixture as ${type} says so in its file type and in every stack of experts`, async (t) => {
    const path = join(temporaryFolder(t), 'x.gguf');
    await writeGgufModel(await ensureFixture('moe'), path, { type });
    const { metadata, tensorInfos } = await read(path);
    t.like(metadata, { 'general.architecture': 'qwen3moe', 'general.file_type': fileType });
    t.is(metadata['general.quantization_version'], type === 'q8_0' ? 2 : undefined);
    const experts = tensorInfos.filter(({ name }) => /ffn_(gate|up)_exps/.test(name));
    t.is(experts.length, 8);
    t.true(experts.every((tensor) => tensor.dtype === dtype));
  });
}

test('a model that llama.cpp cannot compute leaves no file behind', async (t) => {
  const folder = temporaryFolder(t);
  const modelDir = await ensureFixture('moe-nonorm');
  await t.throwsAsync(writeGgufModel(modelDir, join(folder, 'x.gguf')), { instanceOf: ConfigError });
  t.deepEqual(readdirSync(folder), []);
});
