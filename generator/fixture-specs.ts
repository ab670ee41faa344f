import type { WeightRecipe } from './seeded-weights.ts';

/** A stand-in checkpoint: HuggingFace's format, seeded weights. */
export interface FixtureSpec {
  /** `config.json`, as written. */
  config: Record<string, unknown>;
  weights: WeightRecipe;
  /** Whether it has the real Qwen3 tokenizer; without it, prompts are ids. */
  tokenizer: boolean;
  /** Shards the weights are spread over. Default 1: a single file. */
  shards?: number;
  /**
   * Made only when it is asked for by name. Its weights are bf16 in a single file, drawn in blocks by several threads.
   * Default false.
   */
  large?: boolean;
}

/** `config.json` in the spelling of transformers 4. */
const version4 = {
  attention_bias: false,
  attention_dropout: 0,
  hidden_act: 'silu',
  initializer_range: 0.02,
  rope_scaling: null,
  sliding_window: null,
  transformers_version: '4.51.0',
  use_cache: true,
  use_sliding_window: false,
};
const dense = { architectures: ['Qwen3ForCausalLM'], model_type: 'qwen3' };
const mixture = { architectures: ['Qwen3MoeForCausalLM'], model_type: 'qwen3_moe' };
const small = {
  hidden_size: 64,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 4096,
};
/** The sizes of the small dense fixtures. */
const smallDense = {
  ...dense,
  ...version4,
  ...small,
  vocab_size: 384,
  num_hidden_layers: 3,
  head_dim: 24,
  intermediate_size: 152,
};

/** The fixtures by name. No two share all of eps, theta, dtype, tying and the spelling of their config. */
export const FIXTURES: Readonly<Record<string, FixtureSpec>> = Object.freeze({
  dense: {
    config: {
      ...smallDense,
      rms_norm_eps: 3e-5,
      rope_theta: 500000,
      tie_word_embeddings: false,
      torch_dtype: 'float32',
      bos_token_id: 383,
      eos_token_id: 383,
    },
    weights: { seed: 'dense', dtype: 'F32', finalNormMean: 3.5 },
    tokenizer: false,
  },
  'dense-bf16': {
    config: {
      ...dense,
      ...version4,
      ...small,
      vocab_size: 151936,
      num_hidden_layers: 4,
      head_dim: 32,
      intermediate_size: 192,
      rms_norm_eps: 1e-6,
      rope_theta: 1000000,
      tie_word_embeddings: true,
      torch_dtype: 'bfloat16',
      bos_token_id: 151643,
      eos_token_id: 151645,
    },
    weights: { seed: 'dense-bf16', dtype: 'BF16', finalNormMean: 9 },
    tokenizer: true,
  },
  moe: {
    config: {
      ...mixture,
      ...version4,
      ...small,
      vocab_size: 320,
      num_hidden_layers: 4,
      head_dim: 24,
      intermediate_size: 136,
      num_experts: 8,
      num_experts_per_tok: 2,
      moe_intermediate_size: 40,
      norm_topk_prob: true,
      mlp_only_layers: [0],
      decoder_sparse_step: 1,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
      tie_word_embeddings: true,
      torch_dtype: 'bfloat16',
      bos_token_id: 319,
      eos_token_id: 319,
    },
    weights: { seed: 'moe', dtype: 'BF16', finalNormMean: 9 },
    tokenizer: false,
  },
  'moe-nonorm': {
    config: {
      ...mixture,
      ...small,
      attention_bias: false,
      hidden_act: 'silu',
      use_sliding_window: false,
      transformers_version: '5.18.0',
      vocab_size: 320,
      num_hidden_layers: 4,
      head_dim: 20,
      intermediate_size: 136,
      num_local_experts: 8,
      num_experts_per_tok: 3,
      moe_intermediate_size: 44,
      norm_topk_prob: false,
      mlp_only_layers: [],
      decoder_sparse_step: 2,
      rope_parameters: { rope_type: 'default', rope_theta: 250000 },
      rms_norm_eps: 1e-6,
      tie_word_embeddings: false,
      dtype: 'float16',
      bos_token_id: 319,
      eos_token_id: 319,
    },
    weights: { seed: 'moe-nonorm', dtype: 'F16', finalNormMean: 3.5 },
    tokenizer: false,
    shards: 3,
  },
  outliers: {
    config: {
      ...smallDense,
      rms_norm_eps: 1e-6,
      rope_theta: 1000000,
      tie_word_embeddings: false,
      torch_dtype: 'bfloat16',
      bos_token_id: 383,
      eos_token_id: 383,
    },
    weights: { seed: 'outliers', dtype: 'BF16', finalNormMean: 35, outlierChannels: [5, 41] },
    tokenizer: false,
  },
  // Qwen/Qwen3-0.6B's own config.json, so that whatever holds for the one in time and memory holds for the other.
  'qwen3-0.6b-shape': {
    config: {
      architectures: ['Qwen3ForCausalLM'],
      attention_bias: false,
      attention_dropout: 0,
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
      transformers_version: '4.51.0',
      use_cache: true,
      use_sliding_window: false,
      vocab_size: 151936,
    },
    weights: { seed: 'qwen3-0.6b-shape', dtype: 'BF16', finalNormMean: 2.2 },
    tokenizer: true,
    large: true,
  },
});

/** The fixtures that are made in no time: those that are meant where none is named. */
export const QUICK_FIXTURES: readonly string[] = Object.freeze(
  Object.keys(FIXTURES).filter((name) => !FIXTURES[name].large),
);
