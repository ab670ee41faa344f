import { denseModel, moeModel } from '../../unit/engine/tiny-models.ts';
import type { TinyModel } from '../properties/arbitraries.ts';

/** Sizes that eight ranks can share; a hidden size that none shares, and odd numbers within what a rank has. */
const SHAREABLE = {
  vocab_size: 24,
  intermediate_size: 40,
  num_attention_heads: 16,
  num_key_value_heads: 8,
  head_dim: 6,
  max_position_embeddings: 256,
};

/** A model that 1, 2, 4 and 8 ranks can share, its head its own or the embedding. */
export function spreadDense(tied = false): TinyModel {
  return denseModel({ ...SHAREABLE, tie_word_embeddings: tied }, 'BF16');
}

/** The same with eight experts in its second layer, of which a token takes three. */
export function spreadMoe(): TinyModel {
  const experts = { num_experts: 8, num_experts_per_tok: 3, moe_intermediate_size: 24 };
  return moeModel({ ...SHAREABLE, ...experts, tie_word_embeddings: true }, 'BF16');
}
