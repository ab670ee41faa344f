import type { GraphBuilder, Value } from './builder.ts';
import { flatten, linear, unflatten } from './linear.ts';
import type { ModelGraph } from './model-graph.ts';
import { rmsNorm } from './norm.ts';
import { type Rotation, rotate } from './rope.ts';

/** The score of a masked position, as in HuggingFace: finite, so that a row of padding gives no NaN. */
const MASKED_SCORE = -3.4028234663852886e38;

/** Inputs that all layers share, and a layer's cache. */
export interface AttentionInputs {
  readonly rotation: Rotation;
  /** bool [batch, 1, 1, time, total] */
  readonly attendable: Value;
  /** [batch, kvHeads, past, headDim] each. */
  readonly pastKey: Value;
  readonly pastValue: Value;
}

/** A layer's output, and its cache with the new tokens: [batch, kvHeads, total, headDim]. */
export interface AttentionOutputs {
  readonly output: Value;
  readonly key: Value;
  readonly value: Value;
}

/**
 * Grouped-query attention with norms on queries and keys (HuggingFace `Qwen3Attention`).
 *
 * @param x [batch, time, hidden], normalised.
 */
export function attention(
  model: ModelGraph,
  layer: number,
  x: Value,
  inputs: AttentionInputs,
): AttentionOutputs {
  const { graph, config, weights } = model;
  const { numAttentionHeads, numKeyValueHeads, headDim, hiddenSize } = config;
  const prefix = `model.layers.${layer}.self_attn`;
  const rows = flatten(model, x, hiddenSize);
  const project = (name: string, heads: number) =>
    unflatten(model, linear(model, rows, `${prefix}.${name}.weight`), [heads, headDim]);
  const normAndRotate = (name: 'q' | 'k', heads: number) => {
    const weight = weights.get(`${prefix}.${name}_norm.weight`);
    const normed = rmsNorm(graph, project(`${name}_proj`, heads), weight, config.rmsNormEps);
    const rotated = rotate(graph, normed, inputs.rotation);
    model.tap(`layers.${layer}.${name}_norm`, normed, [heads, headDim]);
    model.tap(`layers.${layer}.${name}_rope`, rotated, [heads, headDim]);
    return rotated;
  };
  const queries = normAndRotate('q', numAttentionHeads);
  const key = append(graph, inputs.pastKey, normAndRotate('k', numKeyValueHeads));
  const value = append(graph, inputs.pastValue, project('v_proj', numKeyValueHeads));
  const heads = attend(model, { queries, key, value, attendable: inputs.attendable });
  const attended = linear(
    model,
    flatten(model, heads, numAttentionHeads * headDim),
    `${prefix}.o_proj.weight`,
  );
  const output = unflatten(model, attended, [hiddenSize]);
  model.tap(`layers.${layer}.attention`, output, [hiddenSize]);
  return { output, key, value };
}

/**
 * Past [batch, kvHeads, past, headDim] and new [batch, time, kvHeads, headDim] as one, in the past's layout.
 */
function append(graph: GraphBuilder, past: Value, added: Value): Value {
  return graph.node('Concat', [past, graph.node('Transpose', [added], { perm: [0, 2, 1, 3] })], { axis: 2 });
}

/**
 * `softmax(q·kᵀ / √headDim) · v`; query head h attends to key head ⌊h / (heads / kvHeads)⌋.
 *
 * @returns [batch, time, kvHeads, heads / kvHeads, headDim]: the query heads in their order.
 */
function attend(
  { graph, config }: ModelGraph,
  { queries, key, value, attendable }: Record<'queries' | 'key' | 'value' | 'attendable', Value>,
): Value {
  const { numAttentionHeads, numKeyValueHeads, headDim } = config;
  const groups = numAttentionHeads / numKeyValueHeads;
  const grouped = graph.node('Reshape', [queries, graph.ints(0, 0, numKeyValueHeads, groups, headDim)]);
  const transposed = graph.node('Transpose', [key], { perm: [0, 1, 3, 2] });
  const products = graph.node('MatMul', [
    graph.node('Transpose', [grouped], { perm: [0, 2, 3, 1, 4] }),
    graph.node('Unsqueeze', [transposed, graph.ints(2)]),
  ]);
  const scores = graph.node('Mul', [products, graph.float(headDim ** -0.5)]);
  const masked = graph.node('Where', [attendable, scores, graph.float(MASKED_SCORE)]);
  const weights = graph.node('Softmax', [masked], { axis: -1 });
  const attended = graph.node('MatMul', [weights, graph.node('Unsqueeze', [value, graph.ints(2)])]);
  return graph.node('Transpose', [attended], { perm: [0, 3, 1, 2, 4] });
}
