import { TensorProto_DataType as DataType } from 'onnx-buf';
import type { ModelConfig } from '../../engine/config.ts';
import type { GraphBuilder, Precision, Value } from './builder.ts';

/** Cosines and sines of every position's angles, [batch, time, 1, headDim/2] in the graph's precision. */
export interface Rotation {
  readonly cos: Value;
  readonly sin: Value;
}

/**
 * `1 / theta^(2i/headDim)` for each pair i of a head, every step rounded to the precision as HuggingFace's
 * `compute_default_rope_parameters` does. The float64 frequencies are therefore not the float32 ones
 * widened, which would change the logits by 4e-5 (measured against PyTorch with every cast in float64).
 */
export function inverseFrequencies(
  { headDim, ropeTheta }: Pick<ModelConfig, 'headDim' | 'ropeTheta'>,
  precision: Precision,
): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  const round = precision === 'float64' ? (value: number) => value : Math.fround;
  const frequencies = Array.from(
    { length: headDim / 2 },
    (_, i) => 1 / round(ropeTheta ** round((2 * i) / headDim)),
  );
  return precision === 'float64' ? Float64Array.from(frequencies) : Float32Array.from(frequencies);
}

/**
 * HuggingFace's `Qwen3RotaryEmbedding`: an angle is position · inverse frequency, rounded to the graph's
 * precision. Cosine and sine are taken in float64 and then rounded, since those of float32 differ between
 * libraries.
 *
 * @param positionIds int64 [batch, time]
 */
export function rotation(graph: GraphBuilder, positionIds: Value, config: ModelConfig): Rotation {
  const frequencies = inverseFrequencies(config, graph.precision);
  const inverse = graph.constant('rope.inv_freq', graph.floatType, [frequencies.length], frequencies);
  const positions = graph.node('Unsqueeze', [graph.cast(positionIds, graph.floatType), graph.ints(2, 3)]);
  const angles = graph.node('Mul', [positions, inverse]);
  const exact = graph.cast(angles, DataType.DOUBLE);
  return {
    cos: graph.cast(graph.node('Cos', [exact]), graph.floatType),
    sin: graph.cast(graph.node('Sin', [exact]), graph.floatType),
  };
}

/**
 * Rotates every pair (x[i], x[i + headDim/2]) of a head by its angle (HuggingFace `apply_rotary_pos_emb`).
 *
 * @param x [batch, time, heads, headDim]
 */
export function rotate(graph: GraphBuilder, x: Value, { cos, sin }: Rotation): Value {
  const [first, second] = graph.nodeWithOutputs('Split', [x], 2, { axis: -1 });
  const mul = (a: Value, b: Value) => graph.node('Mul', [a, b]);
  const rotatedFirst = graph.node('Sub', [mul(first, cos), mul(second, sin)]);
  const rotatedSecond = graph.node('Add', [mul(second, cos), mul(first, sin)]);
  return graph.node('Concat', [rotatedFirst, rotatedSecond], { axis: -1 });
}
