import type { ModelConfig, MoeConfig } from '../../../engine/config.ts';
import { ConfigError } from '../../../engine/errors.ts';
import { float32, type GgufMetadata, string, uint32 } from './metadata.ts';

/**
 * The architecture of a Qwen3 (`qwen3`) or Qwen3-MoE (`qwen3moe`), as llama.cpp reads it.
 *
 * @throws ConfigError if llama.cpp computes something else: it always normalises the weights of the chosen
 * experts.
 */
export function architectureMetadata(config: ModelConfig, name: string): GgufMetadata {
  const { moe } = config;
  if (moe && !moe.normTopkProb) {
    throw new ConfigError(
      `cannot write ${name} as GGUF: its norm_topk_prob is false, and llama.cpp always normalises the weights of ` +
        'the chosen experts; export it with --format hf',
    );
  }
  const architecture = moe ? 'qwen3moe' : 'qwen3';
  const keys = {
    block_count: uint32(config.numHiddenLayers),
    context_length: uint32(config.maxPositionEmbeddings),
    embedding_length: uint32(config.hiddenSize),
    feed_forward_length: uint32(config.intermediateSize),
    'attention.head_count': uint32(config.numAttentionHeads),
    'attention.head_count_kv': uint32(config.numKeyValueHeads),
    'attention.key_length': uint32(config.headDim),
    'attention.value_length': uint32(config.headDim),
    'attention.layer_norm_rms_epsilon': float32(config.rmsNormEps),
    'rope.freq_base': float32(config.ropeTheta),
    vocab_size: uint32(config.vocabSize),
    ...(moe
      ? {
          expert_count: uint32(moe.numExperts),
          expert_used_count: uint32(moe.numExpertsPerTok),
          expert_feed_forward_length: uint32(expertWidth(config, moe)),
        }
      : {}),
  };
  return {
    'general.architecture': string(architecture),
    'general.name': string(name),
    ...Object.fromEntries(Object.entries(keys).map(([key, value]) => [`${architecture}.${key}`, value])),
  };
}

/** The width of all experts: that of the dense layers, which are written as experts, if it is more. */
export function expertWidth({ intermediateSize }: ModelConfig, moe: MoeConfig): number {
  const { moeIntermediateSize, sparseLayers } = moe;
  return sparseLayers.every(Boolean) ? moeIntermediateSize : Math.max(moeIntermediateSize, intermediateSize);
}
