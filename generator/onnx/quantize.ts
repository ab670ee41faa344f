import { TensorProto_DataType as DataType } from 'onnx-buf';
import type { StoredTensor } from '../../engine/checkpoint/checkpoint.ts';
import type { Value } from './builder.ts';
import type { ModelGraph } from './model-graph.ts';

/** An int8 matrix and the scales of its columns. */
export interface QuantizedMatrix {
  /** [inputs, outputs]: transposed, since MatMulInteger has no transB. */
  readonly values: Int8Array<ArrayBuffer>;
  /** f32 [outputs]: `weight[n][k] ≈ values[k][n] · scales[n]`. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/**
 * Symmetric rounding to int8 with a scale per output: `scale = max|row| / 127`, zero point 0.
 *
 * @param weight f32 [outputs, inputs]
 */
export function quantizeRows(weight: Float32Array, outputs: number, inputs: number): QuantizedMatrix {
  const values = new Int8Array(outputs * inputs);
  const scales = new Float32Array(outputs);
  for (let n = 0; n < outputs; n++) {
    const row = weight.subarray(n * inputs, (n + 1) * inputs);
    const largest = row.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    scales[n] = largest / 127;
    // In a row of zeros this is 0 / 0, and NaN becomes 0 in an Int8Array.
    for (let k = 0; k < inputs; k++) values[k * outputs + n] = Math.round(row[k] / scales[n]);
  }
  return { values, scales };
}

/**
 * A linear layer as in ONNX Runtime's dynamic quantisation: activations are rounded to 8 bits with a common
 * scale, and the product is computed in integers. The weights are stored in the ONNX file itself.
 */
export function quantizedLinear({ graph, weights }: ModelGraph, x: Value, weight: string): Value {
  const stored = weights.tensor(weight);
  const [outputs, inputs] = stored.info.shape;
  const { values, scales } = quantizeRows(widen(weight, stored), outputs, inputs);
  const matrix = graph.constant(`${weight}.int8`, DataType.INT8, [inputs, outputs], values);
  const scale = graph.constant(`${weight}.scale`, DataType.FLOAT, [outputs], scales);
  const [rounded, step, zeroPoint] = graph.nodeWithOutputs('DynamicQuantizeLinear', [x], 3);
  const product = graph.cast(graph.node('MatMulInteger', [rounded, matrix, zeroPoint]), DataType.FLOAT);
  return graph.node('Mul', [product, graph.node('Mul', [step, scale])]);
}

/** A stored weight widened to f32, which is exact. */
export function widen(name: string, { file, info }: StoredTensor): Float32Array {
  const { buffer } = file.read(name);
  if (info.dtype === 'F32') return new Float32Array(buffer);
  const halves = new Uint16Array(buffer);
  const wide = new Float32Array(halves.length);
  // `TypedArray.from` would first collect an embedding in a plain array, which takes too much memory.
  if (info.dtype === 'F16') {
    for (let i = 0; i < halves.length; i++) wide[i] = widenF16(halves[i]);
  } else {
    // A bf16 is the upper half of an f32.
    const bits = new Uint32Array(wide.buffer);
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  }
  return wide;
}

/** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
function widenF16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
