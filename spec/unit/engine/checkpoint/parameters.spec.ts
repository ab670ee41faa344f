import test from 'ava';
import { countParameters } from '../../../../engine/checkpoint/parameters.ts';
import { parseModelConfig } from '../../../../engine/config.ts';
import { QWEN3_0_6B_CONFIG } from '../../../support/models/sparse-checkpoint.ts';

test('Qwen3-0.6B has 596,049,920 parameters', (t) => {
  t.deepEqual(countParameters(parseModelConfig(QWEN3_0_6B_CONFIG)), {
    total: 596_049_920,
    active: 596_049_920,
  });
});

test('an untied head counts beside the embedding', (t) => {
  const { total } = countParameters(parseModelConfig({ ...QWEN3_0_6B_CONFIG, tie_word_embeddings: false }));
  t.is(total, 596_049_920 + 151936 * 1024);
});

/** The configuration of Qwen/Qwen3-30B-A3B. */
const QWEN3_30B_A3B = {
  ...QWEN3_0_6B_CONFIG,
  model_type: 'qwen3_moe',
  hidden_size: 2048,
  intermediate_size: 6144,
  num_hidden_layers: 48,
  num_attention_heads: 32,
  num_key_value_heads: 4,
  tie_word_embeddings: false,
  num_experts: 128,
  num_experts_per_tok: 8,
  moe_intermediate_size: 768,
  norm_topk_prob: true,
};

test('Qwen3-30B-A3B has 30.5 billion parameters, of which a token goes through 3.3', (t) => {
  // The card says 30.5B and 3.3B; the total is what the hub counts in its checkpoint.
  t.deepEqual(countParameters(parseModelConfig(QWEN3_30B_A3B)), {
    total: 30_532_122_624,
    active: 3_353_032_704,
  });
});

test('a dense layer of a mixture has no inactive parameters', (t) => {
  const expert = 3 * 2048 * 768;
  const sparse = countParameters(parseModelConfig(QWEN3_30B_A3B));
  const oneDense = countParameters(parseModelConfig({ ...QWEN3_30B_A3B, mlp_only_layers: [0] }));
  const denseMlp = 3 * 2048 * 6144;
  t.is(oneDense.total, sparse.total - 128 * expert - 128 * 2048 + denseMlp);
  t.is(oneDense.active, sparse.active - 8 * expert - 128 * 2048 + denseMlp);
});
