import type { ModelConfig, WeightDtype } from '../config.ts';
import { CheckpointError, show } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';

const SUPPORTED_DTYPES: readonly WeightDtype[] = ['F32', 'F16', 'BF16'];

/** HuggingFace's names and shapes of all weights of a model, matrices as [outputs, inputs]. */
export function expectedWeights(config: ModelConfig): Map<string, readonly number[]> {
  const { hiddenSize, headDim, moe } = config;
  const queryWidth = config.numAttentionHeads * headDim;
  const keyValueWidth = config.numKeyValueHeads * headDim;
  const weights = new Map<string, readonly number[]>();
  weights.set('model.embed_tokens.weight', [config.vocabSize, hiddenSize]);
  const addMlp = (prefix: string, intermediateSize: number) => {
    weights.set(`${prefix}.gate_proj.weight`, [intermediateSize, hiddenSize]);
    weights.set(`${prefix}.up_proj.weight`, [intermediateSize, hiddenSize]);
    weights.set(`${prefix}.down_proj.weight`, [hiddenSize, intermediateSize]);
  };
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const prefix = `model.layers.${layer}`;
    weights.set(`${prefix}.input_layernorm.weight`, [hiddenSize]);
    weights.set(`${prefix}.self_attn.q_proj.weight`, [queryWidth, hiddenSize]);
    weights.set(`${prefix}.self_attn.k_proj.weight`, [keyValueWidth, hiddenSize]);
    weights.set(`${prefix}.self_attn.v_proj.weight`, [keyValueWidth, hiddenSize]);
    weights.set(`${prefix}.self_attn.o_proj.weight`, [hiddenSize, queryWidth]);
    weights.set(`${prefix}.self_attn.q_norm.weight`, [headDim]);
    weights.set(`${prefix}.self_attn.k_norm.weight`, [headDim]);
    weights.set(`${prefix}.post_attention_layernorm.weight`, [hiddenSize]);
    if (moe?.sparseLayers[layer]) {
      weights.set(`${prefix}.mlp.gate.weight`, [moe.numExperts, hiddenSize]);
      for (let expert = 0; expert < moe.numExperts; expert++) {
        addMlp(`${prefix}.mlp.experts.${expert}`, moe.moeIntermediateSize);
      }
    } else {
      addMlp(`${prefix}.mlp`, config.intermediateSize);
    }
  }
  weights.set('model.norm.weight', [hiddenSize]);
  if (!config.tieWordEmbeddings) weights.set('lm_head.weight', [config.vocabSize, hiddenSize]);
  return weights;
}

/**
 * Checks that a checkpoint has exactly the weights that its configuration needs.
 *
 * @throws CheckpointError naming the first weight that is missing, of another shape, of a dtype that is not
 * supported, or that this architecture does not have (a bias, for example: without it another model is
 * computed).
 */
export function checkWeights(checkpoint: Checkpoint, config: ModelConfig): void {
  const expected = expectedWeights(config);
  for (const [name, shape] of expected) {
    const { file, info } = checkpoint.get(name);
    if (info.shape.join() !== shape.join()) {
      throw new CheckpointError(
        `${file.path}: ${show(name)} has shape [${info.shape.join(', ')}]; config.json asks for [${shape.join(', ')}]`,
      );
    }
    if (!SUPPORTED_DTYPES.includes(info.dtype as WeightDtype)) {
      throw new CheckpointError(
        `${file.path}: ${show(name)} has dtype ${info.dtype}; supported are ${SUPPORTED_DTYPES.join(', ')}`,
      );
    }
  }
  for (const [name, { file }] of checkpoint.tensors) {
    // A tied head may be stored; HuggingFace ignores it too.
    if (!expected.has(name) && !(config.tieWordEmbeddings && name === 'lm_head.weight')) {
      throw new CheckpointError(`${file.path}: ${show(name)} is not a weight of this architecture`);
    }
  }
}
