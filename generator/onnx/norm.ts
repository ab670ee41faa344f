import type { GraphBuilder, Value } from './builder.ts';

/**
 * RMSNorm over the last axis, `x · 1/√(mean(x²) + eps) · weight` (HuggingFace `Qwen3RMSNorm`), in its order.
 *
 * @param weight in the graph's precision, as long as the last axis of `x`.
 */
export function rmsNorm(graph: GraphBuilder, x: Value, weight: Value, eps: number): Value {
  const meanSquare = graph.node('ReduceMean', [graph.node('Mul', [x, x])], { axes: [-1], keepdims: 1 });
  const root = graph.node('Sqrt', [graph.node('Add', [meanSquare, graph.float(eps)])]);
  const normalized = graph.node('Mul', [x, graph.node('Reciprocal', [root])]);
  return graph.node('Mul', [normalized, weight]);
}
