import test, { type ExecutionContext } from 'ava';
import { Checkpoint } from '../../../../../engine/checkpoint/checkpoint.ts';
import { readModelConfig } from '../../../../../engine/checkpoint/read-config.ts';
import { byteLength } from '../../../../../generator/export/gguf/encode.ts';
import { type GgufWeightType, qwen3Tensors } from '../../../../../generator/export/gguf/tensors.ts';
import type { GgufTensor } from '../../../../../generator/export/gguf/writer.ts';
import { ensureFixture } from '../../../../../generator/fixtures/fixtures.ts';
import { closing, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

async function tensorsOf(t: ExecutionContext, name: string, type?: GgufWeightType) {
  const modelDir = await ensureFixture(name);
  const checkpoint = closing(t, Checkpoint.open(modelDir));
  const tensors = qwen3Tensors(checkpoint, await readModelConfig(modelDir), type);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const stored = (weight: string) => Buffer.from(checkpoint.get(weight).file.read(weight));
  return { tensors, byName, stored };
}

const bytesOf = (tensor?: GgufTensor) => Buffer.concat([...(tensor?.chunks() ?? [])]);
const typesOf = (tensors: readonly GgufTensor[]) => [...new Set(tensors.map(({ type }) => type))].sort();

test('every weight of a dense model has its name of llama.cpp, and its bytes', async (t) => {
  const { tensors, byName, stored } = await tensorsOf(t, 'dense');
  t.is(tensors.length, 3 + 3 * 11);
  for (const [name, weight] of [
    ['token_embd', 'model.embed_tokens'],
    ['output_norm', 'model.norm'],
    ['output', 'lm_head'],
    ['blk.2.attn_norm', 'model.layers.2.input_layernorm'],
    ['blk.2.attn_q', 'model.layers.2.self_attn.q_proj'],
    ['blk.2.attn_k', 'model.layers.2.self_attn.k_proj'],
    ['blk.2.attn_v', 'model.layers.2.self_attn.v_proj'],
    ['blk.2.attn_output', 'model.layers.2.self_attn.o_proj'],
    ['blk.2.attn_q_norm', 'model.layers.2.self_attn.q_norm'],
    ['blk.2.attn_k_norm', 'model.layers.2.self_attn.k_norm'],
    ['blk.2.ffn_norm', 'model.layers.2.post_attention_layernorm'],
    ['blk.2.ffn_gate', 'model.layers.2.mlp.gate_proj'],
    ['blk.2.ffn_up', 'model.layers.2.mlp.up_proj'],
    ['blk.2.ffn_down', 'model.layers.2.mlp.down_proj'],
  ]) {
    t.true(stored(`${weight}.weight`).equals(bytesOf(byName.get(`${name}.weight`))), name);
  }
});

test('a tied head is not written', async (t) => {
  t.false((await tensorsOf(t, 'moe')).byName.has('output.weight'));
});

test('experts are stacked in their order, with zeros up to the width of the dense layer', async (t) => {
  const { byName, stored } = await tensorsOf(t, 'moe');
  const gate = byName.get('blk.1.ffn_gate_exps.weight')!;
  t.deepEqual(gate.shape, [8, 136, 64]);
  const bytes = bytesOf(gate);
  const expert = bytes.subarray(3 * 136 * 64 * 2, 4 * 136 * 64 * 2);
  const real = stored('model.layers.1.mlp.experts.3.gate_proj.weight');
  t.true(real.equals(expert.subarray(0, real.length)));
  t.true(expert.subarray(real.length).every((byte) => byte === 0));
  const down = byName.get('blk.1.ffn_down_exps.weight')!;
  t.deepEqual(down.shape, [8, 64, 136]);
  const row = bytesOf(down).subarray(3 * 64 * 136 * 2, (3 * 64 + 1) * 136 * 2);
  t.true(stored('model.layers.1.mlp.experts.3.down_proj.weight').subarray(0, 80).equals(row.subarray(0, 80)));
  t.true(row.subarray(80).every((byte) => byte === 0));
});

test('a dense layer in a mixture is experts that are all the same, chosen by a router of zeros', async (t) => {
  const { byName, stored } = await tensorsOf(t, 'moe');
  const router = byName.get('blk.0.ffn_gate_inp.weight')!;
  t.deepEqual([router.type, router.shape], ['F32', [8, 64]]);
  t.true(bytesOf(router).every((byte) => byte === 0));
  const up = stored('model.layers.0.mlp.up_proj.weight');
  t.true(
    Buffer.concat(Array.from({ length: 8 }, () => up)).equals(
      bytesOf(byName.get('blk.0.ffn_up_exps.weight')),
    ),
  );
});

test('routers and norms are f32 in every type', async (t) => {
  const { byName } = await tensorsOf(t, 'moe', 'q8_0');
  t.is(byName.get('blk.1.ffn_gate_inp.weight')?.type, 'F32');
  t.is(byName.get('blk.1.attn_q_norm.weight')?.type, 'F32');
});

for (const [type, types] of [
  ['f32', ['F32']],
  ['bf16', ['BF16', 'F32']],
  ['q8_0', ['F16', 'F32', 'Q8_0']],
] as const) {
  test(`as ${type}, matrices are ${types.join(', ')}, of as many bytes as that takes`, async (t) => {
    const { tensors, byName } = await tensorsOf(t, 'dense', type);
    t.deepEqual(typesOf(tensors), [...types]);
    for (const tensor of tensors) {
      t.is(bytesOf(tensor).length, byteLength(tensor.type, tensor.shape), tensor.name);
    }
    // 152 is no multiple of 32.
    if (type === 'q8_0') t.is(byName.get('blk.0.ffn_down.weight')?.type, 'F16');
  });
}
