import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GGUFValueType, gguf } from '@huggingface/gguf';
import test from 'ava';
import { Checkpoint } from '../../../engine/checkpoint/checkpoint.ts';
import { parseModelConfig, readModelConfig } from '../../../engine/config.ts';
import { widen } from '../../../engine/kernels/widen.ts';
import { ensureFixture, FIXTURES } from '../../../generator/fixtures/fixtures.ts';
import { ensureFixtureGraphs } from '../../../generator/recording/graphs.ts';
import { ensureGguf } from '../../bench/gguf/ensure.ts';
import { architectureMetadata, ggufName, qwen3Tensors, tokenizerMetadata } from '../../bench/gguf/qwen3.ts';
import { type GgufTensor, writeGguf } from '../../bench/gguf/writer.ts';
import { closing, temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

const read = (path: string) => gguf(path, { allowLocalFile: true });

test('a checkpoint is found in its GGUF file byte for byte, norms in f32, by the names and sizes of llama.cpp', async (t) => {
  const modelDir = await ensureFixture('dense-bf16');
  const folder = temporaryFolder(t);
  const path = await ensureGguf(modelDir, folder);
  t.is(await ensureGguf(modelDir, folder), path, 'made once');
  t.deepEqual(readdirSync(join(folder, 'gguf')).length, 1);
  const { metadata, tensorInfos, tensorDataOffset } = await read(path);
  const file = readFileSync(path);
  const checkpoint = closing(t, Checkpoint.open(modelDir));
  t.is(tensorInfos.length, checkpoint.tensors.size);
  for (const [name, { info, file: stored }] of checkpoint.tensors) {
    const found = tensorInfos.find((tensor) => tensor.name === ggufName(name))!;
    t.deepEqual(found.shape.map(Number), info.shape.toReversed(), name);
    const isNorm = info.shape.length === 1;
    t.is(found.dtype, isNorm ? 0 : 30, name);
    const bytes = stored.read(name);
    const expected = isNorm ? Buffer.from(widen('BF16', bytes).buffer) : Buffer.from(bytes);
    const begin = Number(tensorDataOffset + found.offset);
    t.is(begin % 32, 0, name);
    t.true(expected.equals(file.subarray(begin, begin + expected.length)), name);
  }
  const told = metadata as unknown as Record<string, unknown>;
  t.like(told, {
    'general.architecture': 'qwen3',
    'qwen3.block_count': 4,
    'qwen3.attention.head_count': 4,
    'qwen3.attention.head_count_kv': 2,
    'qwen3.attention.key_length': 32,
    'qwen3.rope.freq_base': 1000000,
    'tokenizer.ggml.eos_token_id': 151645,
  });
  t.is(told['qwen3.attention.layer_norm_rms_epsilon'], Math.fround(1e-6));
  const tokens = told['tokenizer.ggml.tokens'] as string[];
  t.is(tokens.length, 151936);
  t.deepEqual([tokens[0], tokens[151645], tokens[151935]], ['!', '<|im_end|>', '[PAD151935]']);
  const types = told['tokenizer.ggml.token_type'] as number[];
  t.deepEqual([types[0], types[151645], types[151935]], [1, 3, 5]);
  t.is((told['tokenizer.ggml.merges'] as string[])[0], 'Ġ Ġ');
});

test('f32 weights stay f32, and an untied head has its name', async (t) => {
  const modelDir = await ensureFixture('dense');
  const checkpoint = closing(t, Checkpoint.open(modelDir));
  const tensors = qwen3Tensors(checkpoint, await readModelConfig(modelDir));
  t.true(tensors.every(({ type }) => type === 'F32'));
  const head = tensors.find(({ name }) => name === 'output.weight')!;
  t.deepEqual(head.bytes(), checkpoint.get('lm_head.weight').file.read('lm_head.weight'));
});

test('a model that llama.cpp could not load is refused before anything is written', async (t) => {
  const folder = temporaryFolder(t);
  await t.throwsAsync(ensureGguf(await ensureFixtureGraphs('dense'), folder), {
    message: /has no tokenizer\.json/,
  });
  t.deepEqual(readdirSync(folder), []);
  const moe = parseModelConfig(FIXTURES.moe.config);
  t.throws(() => architectureMetadata(moe, 'moe'), { message: /^moe is a mixture of experts; only dense/ });
  t.throws(() => ggufName('model.layers.0.mlp.gate.weight'), {
    message: /no name for "model\.layers\.0\.mlp\.gate/,
  });
  t.throws(() => ggufName('model.other.weight'), { message: /no name for "model\.other\.weight"/ });
});

test('merges may be pairs or texts, and a model without an end has no id for it', (t) => {
  const config = { ...parseModelConfig(FIXTURES.dense.config), vocabSize: 4, eosTokenIds: [] };
  const vocab = { a: 0, b: 1 };
  const added = [{ id: 2, content: '<x>', special: false }];
  const metadata = (merges: readonly (string | readonly [string, string])[]) =>
    tokenizerMetadata({ model: { vocab, merges }, added_tokens: added }, config);
  t.deepEqual(metadata(['a b']), metadata([['a', 'b']]));
  t.deepEqual(metadata([])['tokenizer.ggml.tokens'].value, ['a', 'b', '<x>', '[PAD3]']);
  t.deepEqual(metadata([])['tokenizer.ggml.token_type'].value, [1, 1, 4, 5]);
  t.false('tokenizer.ggml.eos_token_id' in metadata([]));
});

test('tensors of any size begin at multiples of 32, and their descriptions say where', async (t) => {
  const path = join(temporaryFolder(t), 'x.gguf');
  const sizes = [3, 16, 17, 1];
  const tensors = sizes.map((size, i): GgufTensor => {
    return { name: `w${i}`, shape: [size], type: 'BF16', bytes: () => new Uint8Array(2 * size).fill(i + 1) };
  });
  await writeGguf(path, { 'general.name': { type: GGUFValueType.STRING, value: 'odd' } }, tensors);
  const { tensorInfos, tensorDataOffset } = await read(path);
  const file = readFileSync(path);
  for (const [i, { offset, shape }] of tensorInfos.entries()) {
    const begin = Number(tensorDataOffset + offset);
    t.is(begin % 32, 0);
    t.deepEqual(shape.map(Number), [sizes[i]]);
    const stored = file.subarray(begin, begin + 2 * sizes[i]);
    t.true(stored.every((byte) => byte === i + 1) && stored.length === 2 * sizes[i], `w${i}`);
  }
});

test('a tensor of another size than it says leaves no file behind', async (t) => {
  const folder = temporaryFolder(t);
  const tensor: GgufTensor = { name: 'w', shape: [2, 3], type: 'BF16', bytes: () => new Uint8Array(11) };
  const metadata = { 'general.name': { type: GGUFValueType.STRING, value: 'x' } } as const;
  await t.throwsAsync(writeGguf(join(folder, 'x.gguf'), metadata, [tensor]), {
    instanceOf: RangeError,
    message: 'w: BF16 [2, 3] takes 12 bytes; 11 were given',
  });
  t.deepEqual(readdirSync(folder), []);
});
