import { TensorProto_DataType as DataType } from 'onnx-buf';
import type { GraphBuilder, Value } from './builder.ts';

/**
 * The positions that a token attends to: itself and those before it, without padding.
 *
 * @param inputIds int64 [batch, time], the new tokens.
 * @param attentionMask int64 [batch, past + time], 0 for padding.
 * @returns bool [batch, 1, 1, time, past + time]
 */
export function attendable(graph: GraphBuilder, inputIds: Value, attentionMask: Value): Value {
  const time = graph.node('Gather', [graph.node('Shape', [inputIds]), graph.int(1)]);
  const total = graph.node('Gather', [graph.node('Shape', [attentionMask]), graph.int(1)]);
  const past = graph.node('Sub', [total, time]);
  const keys = graph.node('Range', [graph.int(0), total, graph.int(1)]);
  const queries = graph.node('Range', [past, total, graph.int(1)]);
  const causal = graph.node('LessOrEqual', [keys, graph.node('Unsqueeze', [queries, graph.ints(1)])]);
  const real = graph.cast(attentionMask, DataType.BOOL);
  return graph.node('And', [causal, graph.node('Unsqueeze', [real, graph.ints(1, 2, 3)])]);
}
