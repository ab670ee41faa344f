import type { GraphBuilder, Value } from './builder.ts';
import { linear } from './linear.ts';
import type { ModelGraph } from './model-graph.ts';

/**
 * `down(silu(gate(x)) · up(x))` (HuggingFace `Qwen3MLP`).
 *
 * @param x [rows, hidden]
 * @param prefix of the names of the three weights.
 */
export function mlp(model: ModelGraph, x: Value, prefix: string): Value {
  const gate = silu(model.graph, linear(model, x, `${prefix}.gate_proj.weight`));
  const up = linear(model, x, `${prefix}.up_proj.weight`);
  return linear(model, model.graph.node('Mul', [gate, up]), `${prefix}.down_proj.weight`);
}

/**
 * `x / (1 + e^-x)`, as PyTorch computes it. ONNX Runtime's Sigmoid is less exact, above all far below zero.
 */
function silu(graph: GraphBuilder, x: Value): Value {
  const exponential = graph.node('Exp', [graph.node('Neg', [x])]);
  return graph.node('Div', [x, graph.node('Add', [exponential, graph.float(1)])]);
}
