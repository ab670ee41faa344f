import type { Value } from './builder.ts';
import { linear, unflatten } from './linear.ts';
import { mlp } from './mlp.ts';
import type { ModelGraph } from './model-graph.ts';

/**
 * A mixture of experts (HuggingFace `Qwen3MoeSparseMoeBlock`). Every expert sees every row, and its output
 * is weighted with 0 where it was not chosen: slow, but in standard operators and with one order of
 * additions, by expert.
 *
 * @param x [rows, hidden]
 */
export function moe(model: ModelGraph, layer: number, x: Value): Value {
  const { graph, config } = model;
  const { numExperts } = config.moe!;
  const prefix = `model.layers.${layer}.mlp`;
  const routerLogits = linear(model, x, `${prefix}.gate.weight`);
  model.tap(`layers.${layer}.router_logits`, unflatten(model, routerLogits, [numExperts]), [numExperts]);
  const weights = routingWeights(model, routerLogits);
  const outputs = Array.from({ length: numExperts }, (_, expert) =>
    graph.scoped(`experts.${expert}`, () => {
      const weight = graph.node('Gather', [weights, graph.ints(expert)], { axis: 1 });
      return graph.node('Mul', [mlp(model, x, `${prefix}.experts.${expert}`), weight]);
    }),
  );
  return outputs.reduce((sum, output) => graph.node('Add', [sum, output]));
}

/**
 * Softmax over all experts, of which the largest `numExpertsPerTok` remain (of equal ones, the lower index).
 *
 * @param routerLogits [rows, experts]
 * @returns [rows, experts], 0 for an expert that was not chosen.
 */
function routingWeights({ graph, config }: ModelGraph, routerLogits: Value): Value {
  const { numExpertsPerTok, normTopkProb } = config.moe!;
  const probabilities = graph.node('Softmax', [routerLogits], { axis: -1 });
  const [largest, experts] = graph.nodeWithOutputs('TopK', [probabilities, graph.ints(numExpertsPerTok)], 2);
  const chosen = normTopkProb
    ? graph.node('Div', [largest, graph.node('ReduceSum', [largest, graph.ints(-1)], { keepdims: 1 })])
    : largest;
  const zeros = graph.node('Mul', [probabilities, graph.float(0)]);
  return graph.node('ScatterElements', [zeros, experts, chosen], { axis: 1 });
}
