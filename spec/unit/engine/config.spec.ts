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
/** What is not supported, as a message calls it, and the keys that ask for it. */
const UNSUPPORTED: [string, object][] = [
  ['rope_scaling of type "yarn"', { rope_scaling: { type: 'yarn', factor: 4 } }],
  ['rope_scaling of type "linear"', { rope_scaling: { rope_type: 'linear' } }],
  ['rope_parameters of type "yarn"', { rope_parameters: { rope_type: 'default', type: 'yarn' } }],
  ['rope_parameters of type "dynamic"', { rope_parameters: { rope_type: 'dynamic' } }],
  ['partial_rotary_factor', { partial_rotary_factor: 0.5 }],
  ['rope_parameters.partial_rotary_factor', { rope_parameters: { partial_rotary_factor: 0.5 } }],
  ['use_sliding_window', { use_sliding_window: true }],
  ['layer_types "sliding_attention"', { layer_types: ['full_attention', 'sliding_attention'] }],
  ['attention_bias', { attention_bias: true }],
  ['quantization_config (quantised weights)', { quantization_config: { quant_method: 'fp8' } }],
  ['hidden_act "gelu"', { hidden_act: 'gelu' }],
];
const INPUT = 'Invalid input: expected';
const MIXTURE =
  'a qwen3_moe model needs num_experts (or num_local_experts), num_experts_per_tok and moe_intermediate_size';
/** The whole message without its path, and the keys. */
const REFUSED: [string, object][] = [
  ['model_type "llama" is not supported; expected "qwen3" or "qwen3_moe"', { model_type: 'llama' }],
  ...UNSUPPORTED.map(([what, keys]): [string, object] => [`${what} is not supported by this engine`, keys]),
  [
    'has rope_parameters.rope_theta 500000 and rope_theta 1000000; expected one of them, or the same value',
    { rope_theta: 1000000, rope_parameters: { rope_theta: 500000 } },
  ],
  [
    'has rope_scaling.rope_theta 7 and rope_parameters.rope_theta 8; expected one of them, or the same value',
    { rope_theta: 8, rope_scaling: { rope_theta: 7 }, rope_parameters: { rope_theta: 8 } },
  ],
  [
    'has num_experts 4 and num_local_experts 8; expected one of them, or the same value',
    { ...MOE_ALONE, num_experts: 4 },
  ],
  ['num_attention_heads 16 is not a multiple of num_key_value_heads 5', { num_key_value_heads: 5 }],
  [`num_key_value_heads: ${INPUT} number, received undefined`, { num_key_value_heads: undefined }],
  ['head_dim is missing; every Qwen3 configuration states it', { head_dim: undefined }],
  ['head_dim 127 must be an even whole number: RoPE rotates pairs', { head_dim: 127 }],
  [
    'head_dim 62.5 must be an even whole number: RoPE rotates pairs',
    { model_type: 'qwen3_moe', head_dim: null, hidden_size: 1000 },
  ],
  ['neither rope_theta nor rope_parameters.rope_theta is given', { rope_theta: undefined }],
  ['rope_theta: Too small: expected number to be >=1', { rope_theta: 0.999 }],
  [
    `hidden_size: ${INPUT} number, received string; ` +
      'rope_parameters.rope_theta: Too small: expected number to be >=1',
    { rope_parameters: { rope_theta: 1e-300 }, hidden_size: '1024' },
  ],
  [`rms_norm_eps: ${INPUT} number, received Infinity`, { rms_norm_eps: Infinity }],
  ['eos_token_id 151936 is outside the vocabulary of 151936', { eos_token_id: [0, 151936] }],
  ['num_hidden_layers: Too big: expected number to be <=1000', { num_hidden_layers: 1001 }],
  [`num_hidden_layers: ${INPUT} int, received number`, { num_hidden_layers: 1.5 }],
  [MIXTURE, { ...MOE_ALONE, num_local_experts: undefined }],
  [MIXTURE, { ...MOE_ALONE, num_experts_per_tok: undefined }],
  [MIXTURE, { ...MOE_ALONE, moe_intermediate_size: undefined }],
  ['num_local_experts: Too big: expected number to be <=1000', { ...MOE_ALONE, num_local_experts: 1001 }],
  ['num_experts_per_tok 9 is more than num_experts 8', { ...MOE_ALONE, num_experts_per_tok: 9 }],
];
for (const [i, [message, keys]] of REFUSED.entries()) {
  test(`refused, ${i + 1}: ${message}`, (t) => {
    const parse = () => parseModelConfig({ ...DENSE, ...keys }, { path: 'some/config.json' });
    t.throws(parse, { instanceOf: ConfigError, message: `some/config.json: ${message}` });
  });
}

test('the largest and the smallest values that make sense are accepted', (t) => {
  const most = 2 ** 31 - 1;
  const sizes = { vocab_size: most, hidden_size: most, intermediate_size: most, moe_intermediate_size: most };
  const large = parseModelConfig({
    ...{ ...MOE, ...sizes, max_position_embeddings: most, eos_token_id: most - 1 },
    ...{ num_hidden_layers: 1000, num_local_experts: 1000, num_experts_per_tok: 1000 },
  });
  t.deepEqual([large.vocabSize, large.hiddenSize, large.intermediateSize], [most, most, most]);
  t.deepEqual([large.numHiddenLayers, large.maxPositionEmbeddings], [1000, most]);
  t.deepEqual(large.eosTokenIds, [most - 1]);
  t.like(large.moe, { numExperts: 1000, numExpertsPerTok: 1000, moeIntermediateSize: most });
  const least = {
    vocab_size: 1,
    hidden_size: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: 2,
  };
  const ends = { rms_norm_eps: 0, rope_theta: 1, eos_token_id: 0, num_hidden_layers: 1 };
  const small = parseModelConfig({ ...DENSE, ...least, ...ends });
  t.deepEqual([small.vocabSize, small.headDim, small.rmsNormEps, small.ropeTheta], [1, 2, 0, 1]);
  t.deepEqual(small.eosTokenIds, [0]);
});

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
    t.throws(() => parseModelConfig(without(DENSE, key)), {
      instanceOf: ConfigError,
      message: RegExp(`^config\\.json: ${key}: Invalid input: expected (string|number), received undefined$`),
    });
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
