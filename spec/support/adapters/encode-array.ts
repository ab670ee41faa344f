import type { InlineArray } from '../../../verify/protocol/messages.ts';

/** An array as an engine puts it in a message. */
export function encodeArray(values: Float32Array | Int32Array, shape: readonly number[]): InlineArray {
  const { buffer, byteOffset, byteLength } = values;
  const base64 = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
  return { dtype: values instanceof Float32Array ? 'f32' : 'i32', shape, base64 };
}
