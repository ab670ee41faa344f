import { denseModel, moeModel } from '../../unit/engine/tiny-models.ts';
import type { TinyModel } from '../properties/arbitraries.ts';

/** Sizes that 2, 4 and 8 ranks divide; the parts of a rank are odd numbers where possible. */
const SHAREABLE = {
  vocab_size: 24,
  intermediate_size: 40,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 6,
  max_position_embeddings: 256,
};

/** A dense model that 1, 2, 4 and 8 ranks can share. @param tied whether lm_head is the embedding. */
export function shardedDense(tied = false): TinyModel {
  return denseModel({ ...SHAREABLE, tie_word_embeddings: tied }, 'BF16');
}

/** The same as a mixture of experts: eight in its second layer, three per token. */
export function shardedMoe(): TinyModel {
  const experts = { num_experts: 8, num_experts_per_tok: 3, moe_intermediate_size: 24 };
  return moeModel({ ...SHAREABLE, ...experts, tie_word_embeddings: true }, 'BF16');
}
