import test from 'ava';
import { parseModelConfig } from '../../../../../engine/config.ts';
import { ConfigError } from '../../../../../engine/errors.ts';
import { architectureMetadata, expertWidth } from '../../../../../generator/export/gguf/architecture.ts';
import { float32, string, uint32 } from '../../../../../generator/export/gguf/metadata.ts';
import { FIXTURES } from '../../../../../generator/fixtures/fixture-specs.ts';

const configOf = (name: string, changes = {}) => parseModelConfig({ ...FIXTURES[name].config, ...changes });

test('a dense model has every key that llama.cpp reads of a qwen3', (t) => {
  t.deepEqual(architectureMetadata(configOf('dense'), 'mine'), {
    'general.architecture': string('qwen3'),
    'general.name': string('mine'),
    'qwen3.block_count': uint32(3),
    'qwen3.context_length': uint32(4096),
    'qwen3.embedding_length': uint32(64),
    'qwen3.feed_forward_length': uint32(152),
    'qwen3.attention.head_count': uint32(4),
    'qwen3.attention.head_count_kv': uint32(2),
    'qwen3.attention.key_length': uint32(24),
    'qwen3.attention.value_length': uint32(24),
    'qwen3.attention.layer_norm_rms_epsilon': float32(3e-5),
    'qwen3.rope.freq_base': float32(500000),
    'qwen3.vocab_size': uint32(384),
  });
});

test('a mixture is a qwen3moe, its experts as wide as its dense layers', (t) => {
  t.like(architectureMetadata(configOf('moe'), 'moe'), {
    'general.architecture': string('qwen3moe'),
    'qwen3moe.block_count': uint32(4),
    'qwen3moe.expert_count': uint32(8),
    'qwen3moe.expert_used_count': uint32(2),
    'qwen3moe.expert_feed_forward_length': uint32(136),
  });
  const sparse = configOf('moe', { mlp_only_layers: [] });
  t.is(expertWidth(sparse, sparse.moe!), 40);
});

test('a mixture whose weights are not normalised is refused: llama.cpp computes another model', (t) => {
  t.throws(() => architectureMetadata(configOf('moe-nonorm'), 'moe-nonorm'), {
    instanceOf: ConfigError,
    message: /^cannot write moe-nonorm as GGUF: its norm_topk_prob is false, .*; export it with --format hf$/,
  });
});
