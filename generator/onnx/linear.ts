import type { Value } from './builder.ts';
import type { ModelGraph } from './model-graph.ts';
import { quantizedLinear } from './quantize.ts';

/** [batch, time, ...] → [batch·time, width], the shape that Gemm takes. */
export function flatten({ graph }: ModelGraph, x: Value, width: number): Value {
  return graph.node('Reshape', [x, graph.ints(-1, width)]);
}

/** [batch·time, width] → [batch, time, ...shape]. */
export function unflatten({ graph, batchAndTime }: ModelGraph, x: Value, shape: readonly number[]): Value {
  return graph.node('Reshape', [x, graph.node('Concat', [batchAndTime, graph.ints(...shape)], { axis: 0 })]);
}

/**
 * `x · Wᵀ` (PyTorch `nn.Linear` without bias).
 *
 * @param x [rows, inputs]
 * @param weight HuggingFace's name of W, [outputs, inputs].
 * @returns [rows, outputs]
 */
export function linear(model: ModelGraph, x: Value, weight: string): Value {
  if (model.quantization === 'int8') return quantizedLinear(model, x, weight);
  return model.graph.node('Gemm', [x, model.weights.get(weight)], { transB: 1 });
}
