import { TensorProto_DataType as DataType } from 'onnx-buf';
import { type AttentionInputs, attention } from './attention.ts';
import type { GraphBuilder, Value } from './builder.ts';
import { flatten, linear, unflatten } from './linear.ts';
import { attendable } from './mask.ts';
import { mlp } from './mlp.ts';
import type { ModelGraph } from './model-graph.ts';
import { moe } from './moe.ts';
import { rmsNorm } from './norm.ts';
import { rotation } from './rope.ts';

/** transformers.js recognises the batch dimension by this name, and makes an empty cache of its size. */
const BATCH = ['batch_size'] as const;

/** The end of an axis of any length. */
const END = Number.MAX_SAFE_INTEGER;

/** The inputs that transformers.js gives a decoder, beside the cache. */
export interface DecoderInputs {
  /** int64 [batch, time] */
  readonly inputIds: Value;
  /** int64 [batch, past + time], 0 where there is padding. */
  readonly attentionMask: Value;
  /** int64 [batch, time] */
  readonly positionIds: Value;
  /** int64 scalar: number of last positions whose logits are computed; 0 for all. */
  readonly numLogitsToKeep: Value;
}

/** Adds the inputs to a graph, under the names that transformers.js gives them. */
export function decoderInputs(graph: GraphBuilder): DecoderInputs {
  return {
    inputIds: graph.input('input_ids', DataType.INT64, [...BATCH, 'time']),
    attentionMask: graph.input('attention_mask', DataType.INT64, [...BATCH, 'total']),
    positionIds: graph.input('position_ids', DataType.INT64, [...BATCH, 'time']),
    numLogitsToKeep: graph.input('num_logits_to_keep', DataType.INT64, []),
  };
}

/**
 * Qwen3 and Qwen3-MoE, from token ids to logits (HuggingFace `Qwen3ForCausalLM`, `Qwen3MoeForCausalLM`).
 * Adds the outputs `logits` [batch, kept, vocab], `present.N.key` and `present.N.value` [batch, kvHeads,
 * total, headDim].
 */
export function qwen3(model: ModelGraph, inputs: DecoderInputs): void {
  const { graph, config, weights } = model;
  const { hiddenSize } = config;
  const shared = {
    rotation: rotation(graph, inputs.positionIds, config),
    attendable: attendable(graph, inputs.inputIds, inputs.attentionMask),
  };
  // Rows are chosen before they are widened: an f32 copy of a whole embedding takes gigabytes.
  const embedded = graph.node('Gather', [weights.stored('model.embed_tokens.weight'), inputs.inputIds]);
  let hidden = graph.cast(embedded, graph.floatType);
  model.tap('hidden_states.0', hidden, [hiddenSize]);
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    hidden = graph.scoped(`layers.${layer}`, () => decoderLayer(model, layer, hidden, shared));
    model.tap(`hidden_states.${layer + 1}`, hidden, [hiddenSize]);
  }
  const final = norm(model, hidden, 'model.norm.weight');
  model.tap('hidden_states.final', final, [hiddenSize]);
  graph.output('logits', head(model, final, inputs.numLogitsToKeep), [...BATCH, 'kept', config.vocabSize]);
}

/** `x + attention(norm(x))`, then `x + mlp(norm(x))` (HuggingFace `Qwen3DecoderLayer`). */
function decoderLayer(
  model: ModelGraph,
  layer: number,
  x: Value,
  shared: Pick<AttentionInputs, 'rotation' | 'attendable'>,
): Value {
  const { graph, config } = model;
  const { hiddenSize, numKeyValueHeads, headDim } = config;
  const prefix = `model.layers.${layer}`;
  const past = (name: string) =>
    graph.input(`past_key_values.${layer}.${name}`, graph.floatType, [
      ...BATCH,
      numKeyValueHeads,
      'past',
      headDim,
    ]);
  const attended = attention(model, layer, norm(model, x, `${prefix}.input_layernorm.weight`), {
    ...shared,
    pastKey: past('key'),
    pastValue: past('value'),
  });
  for (const name of ['key', 'value'] as const) {
    graph.output(`present.${layer}.${name}`, attended[name], [...BATCH, numKeyValueHeads, 'total', headDim]);
  }
  const hidden = graph.node('Add', [x, attended.output]);
  const rows = flatten(model, norm(model, hidden, `${prefix}.post_attention_layernorm.weight`), hiddenSize);
  const sparse = config.moe?.sparseLayers[layer];
  const output = unflatten(model, sparse ? moe(model, layer, rows) : mlp(model, rows, `${prefix}.mlp`), [
    hiddenSize,
  ]);
  model.tap(`layers.${layer}.mlp`, output, [hiddenSize]);
  return graph.node('Add', [hidden, output]);
}

/** Logits of the last `numLogitsToKeep` positions: `-0` as the start of the slice is all of them. */
function head(model: ModelGraph, final: Value, numLogitsToKeep: Value): Value {
  const { graph, config } = model;
  const start = graph.node('Reshape', [graph.node('Neg', [numLogitsToKeep]), graph.ints(1)]);
  const kept = graph.node('Slice', [final, start, graph.ints(END), graph.ints(1)]);
  const weight = config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  const logits = linear(model, flatten(model, kept, config.hiddenSize), weight);
  const batch = graph.node('Gather', [model.batchAndTime, graph.ints(0)]);
  const shape = graph.node('Concat', [batch, graph.ints(-1, config.vocabSize)], { axis: 0 });
  return graph.node('Reshape', [logits, shape]);
}

function norm({ graph, config, weights }: ModelGraph, x: Value, weight: string): Value {
  return rmsNorm(graph, x, weights.get(weight), config.rmsNormEps);
}
