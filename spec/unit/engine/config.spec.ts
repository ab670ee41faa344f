import test from 'ava';
import { parseModelConfig } from '../../../engine/config.ts';
import { ConfigError } from '../../../engine/errors.ts';

/** As transformers 4.51 writes it for Qwen/Qwen3-0.6B. */
const DENSE = {
  architectures: ['Qwen3ForCausalLM'],
  attention_bias: false,
  attention_dropout: 0.0,
  bos_token_id: 151643,
  eos_token_id: 151645,
  head_dim: 128,
  hidden_act: 'silu',
  hidden_size: 1024,
  initializer_range: 0.02,
  intermediate_size: 3072,
  max_position_embeddings: 40960,
  max_window_layers: 28,
  model_type: 'qwen3',
  num_attention_heads: 16,
  num_hidden_layers: 28,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-6,
  rope_scaling: null,
  rope_theta: 1000000,
  sliding_window: null,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  use_cache: true,
  use_sliding_window: false,
  vocab_size: 151936,
};

/** A mixture in the spelling of transformers 5. */
const MOE = {
  ...without(DENSE, 'rope_theta', 'rope_scaling', 'torch_dtype'),
  dtype: 'float32',
  model_type: 'qwen3_moe',
  num_hidden_layers: 4,
  rope_parameters: { rope_theta: 500000, rope_type: 'default' },
  num_local_experts: 8,
  num_experts_per_tok: 2,
  moe_intermediate_size: 96,
  norm_topk_prob: true,
  layer_types: ['full_attention', 'full_attention', 'full_attention', 'full_attention'],
};

function without<T extends object>(json: T, ...keys: string[]): Partial<T> {
  return Object.fromEntries(Object.entries(json).filter(([key]) => !keys.includes(key))) as Partial<T>;
}

test('a configuration of transformers 4 is read', (t) => {
  t.deepEqual(parseModelConfig(DENSE), {
    modelType: 'qwen3',
    vocabSize: 151936,
    hiddenSize: 1024,
    intermediateSize: 3072,
    numHiddenLayers: 28,
    numAttentionHeads: 16,
    numKeyValueHeads: 8,
    headDim: 128,
    maxPositionEmbeddings: 40960,
    rmsNormEps: 1e-6,
    ropeTheta: 1000000,
    tieWordEmbeddings: true,
    dtype: 'bfloat16',
    eosTokenIds: [151645],
    moe: undefined,
  });
});

test('a configuration of transformers 5 is read', (t) => {
  const config = parseModelConfig(MOE);
  t.is(config.ropeTheta, 500000);
  t.is(config.dtype, 'float32');
  t.deepEqual(config.moe, {
    numExperts: 8,
    numExpertsPerTok: 2,
    moeIntermediateSize: 96,
    normTopkProb: true,
    sparseLayers: [true, true, true, true],
  });
});

test('both spellings of one model give one configuration', (t) => {
  const version4 = {
    ...without(MOE, 'rope_parameters', 'dtype', 'num_local_experts', 'layer_types'),
    rope_theta: 500000,
    torch_dtype: 'float32',
    num_experts: 8,
  };
  t.deepEqual(parseModelConfig(version4), parseModelConfig(MOE));
});

test('keys that mean the same may all be given, with one value', (t) => {
  const rope = { rope_type: 'default', type: 'default', rope_theta: 500000 };
  const both = { ...MOE, rope_theta: 500000, rope_scaling: rope, num_experts: 8 };
  t.deepEqual(parseModelConfig(both), parseModelConfig(MOE));
  const scaling = { ...without(MOE, 'rope_parameters'), rope_scaling: rope };
  t.is(parseModelConfig(scaling).ropeTheta, 500000);
  // As in transformers 5; nothing is computed from it.
  t.is(parseModelConfig({ ...MOE, torch_dtype: 'bfloat16' }).dtype, 'float32');
});

test('generations end at any of three ids, and generation_config.json counts before config.json', (t) => {
  t.deepEqual(parseModelConfig({ ...MOE, eos_token_id: [3, 1, 2] }).eosTokenIds, [3, 1, 2]);
  t.deepEqual(
    parseModelConfig({ ...MOE, eos_token_id: 7 }, { eosTokenId: [3, 1, 2] }).eosTokenIds,
    [3, 1, 2],
  );
  t.deepEqual(parseModelConfig({ ...MOE, eos_token_id: [3, 1, 2] }, { eosTokenId: 7 }).eosTokenIds, [7]);
});

test('layers are dense where mlp_only_layers and decoder_sparse_step say so', (t) => {
  const sparse = (keys: object) => parseModelConfig({ ...MOE, ...keys }).moe?.sparseLayers;
  t.deepEqual(sparse({ mlp_only_layers: [0, 2] }), [false, true, false, true]);
  t.deepEqual(sparse({ decoder_sparse_step: 2 }), [false, true, false, true]);
  t.deepEqual(sparse({ decoder_sparse_step: 3 }), [false, false, true, false]);
  t.deepEqual(sparse({ decoder_sparse_step: 2, mlp_only_layers: [1] }), [false, false, false, true]);
});

test('keys that HuggingFace may leave out have its defaults', (t) => {
  const config = parseModelConfig({ ...DENSE, num_key_value_heads: null, tie_word_embeddings: undefined });
  t.is(config.numKeyValueHeads, 16);
  t.false(config.tieWordEmbeddings);
  const bare = parseModelConfig(without(MOE, 'head_dim', 'norm_topk_prob', 'dtype', 'eos_token_id'));
  t.is(bare.headDim, 1024 / 16);
  t.false(bare.moe?.normTopkProb);
  t.is(bare.dtype, undefined);
  t.deepEqual(bare.eosTokenIds, []);
});

test('a configuration is frozen, and later changes to its source do not reach it', (t) => {
  const eosTokenId = [1, 2];
  const config = parseModelConfig(MOE, { eosTokenId });
  for (const part of [config, config.eosTokenIds, config.moe, config.moe?.sparseLayers]) {
    t.true(Object.isFrozen(part));
  }
  t.notThrows(() => eosTokenId.push(3));
  t.deepEqual(config.eosTokenIds, [1, 2]);
});

/** Takes the place of the dense model's keys. */
const MOE_ALONE = { ...MOE, rope_theta: undefined, torch_dtype: undefined };
const REFUSED: [string, object, RegExp][] = [
  ['another architecture', { model_type: 'llama' }, /model_type "llama".*"qwen3" or "qwen3_moe"/],
  ['rope scaling of version 4', { rope_scaling: { type: 'yarn', factor: 4 } }, /rope_scaling of type "yarn"/],
  [
    'rope scaling of late version 4',
    { rope_scaling: { rope_type: 'linear' } },
    /rope_scaling of type "linear"/,
  ],
  ['rope scaling of version 5', { rope_parameters: { rope_type: 'yarn' } }, /rope_parameters of type "yarn"/],
  [
    'two types of rope',
    { rope_parameters: { rope_type: 'default', type: 'yarn' } },
    /rope_parameters of type "yarn"/,
  ],
  [
    'two thetas',
    { rope_theta: 1000000, rope_parameters: { rope_theta: 500000 } },
    /has rope_parameters\.rope_theta 500000 and rope_theta 1000000; expected one of them, or the same value/,
  ],
  [
    'a third theta',
    { rope_scaling: { rope_theta: 7 }, rope_parameters: { rope_theta: 1000000 } },
    /has rope_scaling\.rope_theta 7 and rope_parameters\.rope_theta 1000000/,
  ],
  ['two numbers of experts', { ...MOE_ALONE, num_experts: 4 }, /has num_experts 4 and num_local_experts 8/],
  ['partly turned heads', { partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
  [
    'partly turned heads of version 5',
    { rope_parameters: { partial_rotary_factor: 0.5 } },
    /rope_parameters\.partial_rotary_factor/,
  ],
  ['a sliding window', { use_sliding_window: true }, /use_sliding_window/],
  [
    'a sliding window in one layer',
    { layer_types: ['full_attention', 'sliding_attention'] },
    /layer_types "sliding_attention"/,
  ],
  ['attention bias', { attention_bias: true }, /attention_bias/],
  ['quantised weights', { quantization_config: { quant_method: 'fp8' } }, /quantization_config/],
  ['another activation', { hidden_act: 'gelu' }, /hidden_act "gelu"/],
  ['heads that cannot be shared out', { num_key_value_heads: 5 }, /num_attention_heads 16.*heads 5/],
  ['a missing number of key-value heads', { num_key_value_heads: undefined }, /num_key_value_heads/],
  ['a missing head_dim', { head_dim: undefined }, /head_dim is missing/],
  ['an odd head_dim', { head_dim: 127 }, /head_dim 127 must be an even/],
  ['a broken head_dim', { model_type: 'qwen3_moe', head_dim: null, hidden_size: 1000 }, /head_dim 62\.5/],
  ['no theta', { rope_theta: undefined }, /rope_theta/],
  ['a theta that overflows', { rope_theta: 1e-300 }, /rope_theta/],
  ['an infinite eps', { rms_norm_eps: Infinity }, /rms_norm_eps/],
  ['a stop token outside the vocabulary', { eos_token_id: [0, 151936] }, /eos_token_id 151936 is outside/],
  ['a hostile number of layers', { num_hidden_layers: 2 ** 31 - 1 }, /num_hidden_layers/],
  ['a mixture without experts', { model_type: 'qwen3_moe' }, /needs num_experts/],
  ['a hostile number of experts', { ...MOE_ALONE, num_local_experts: 2 ** 31 - 1 }, /num_local_experts/],
  [
    'more experts chosen than there are',
    { ...MOE_ALONE, num_experts_per_tok: 9 },
    /num_experts_per_tok 9.*num_experts 8/,
  ],
  ['a number as text', { hidden_size: '1024' }, /hidden_size/],
  ['half a layer', { num_hidden_layers: 1.5 }, /num_hidden_layers/],
];
for (const [what, keys, message] of REFUSED) {
  test(`refused by name: ${what}`, (t) => {
    const parse = () => parseModelConfig({ ...DENSE, ...keys }, { path: 'some/config.json' });
    const error = t.throws(parse, { instanceOf: ConfigError, message });
    t.true(error.message.startsWith('some/config.json: '), error.message);
  });
}

test('every key that decides a size is required', (t) => {
  for (const key of [
    'model_type',
    'vocab_size',
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'max_position_embeddings',
    'rms_norm_eps',
  ]) {
    t.throws(() => parseModelConfig(without(DENSE, key)), { instanceOf: ConfigError, message: RegExp(key) });
  }
});

test('a value that is not an object is refused', (t) => {
  for (const json of [undefined, null, [], 'text', 1]) {
    t.throws(() => parseModelConfig(json), {
      instanceOf: ConfigError,
      message: /config\.json: Invalid input: expected object/,
    });
  }
});
