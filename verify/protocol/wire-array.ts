import { SubjectError } from '../errors.ts';
import { openArrayFile, sizeOf } from './array-file.ts';
import type { WireArray } from './messages.ts';
import { floatsOf, integersOf } from './numbers.ts';

/** A size that is known, or the name of one that is not. */
export type ExpectedSize = number | string;

/** An array that was decoded, with its shape. */
export interface DecodedArray<T> {
  readonly shape: readonly number[];
  readonly values: T;
}

/**
 * @param what names the array in messages, e.g. `forward of 17 ids: scores.values`.
 * @param expected the shape that was asked for.
 * @throws SubjectError if the shape is another, the elements are not f32, or are not as many as the shape states.
 */
export function decodeFloats(
  what: string,
  array: WireArray,
  expected: readonly ExpectedSize[],
): DecodedArray<Float32Array> {
  checkShape(what, array.shape, expected);
  if ('file' in array) return { shape: array.shape, values: fileOf(what, array).floats() };
  if (array.dtype !== 'f32') throw new SubjectError(`${what} has the dtype ${array.dtype}; expected f32`);
  return { shape: array.shape, values: floatsOf(bytesOf(what, array), 'F32') };
}

/** Likewise of i32. @throws SubjectError as {@link decodeFloats} does. */
export function decodeIntegers(
  what: string,
  array: WireArray,
  expected: readonly ExpectedSize[],
): DecodedArray<Int32Array> {
  checkShape(what, array.shape, expected);
  if ('file' in array) return { shape: array.shape, values: fileOf(what, array).integers() };
  if (array.dtype !== 'i32') throw new SubjectError(`${what} has the dtype ${array.dtype}; expected i32`);
  return { shape: array.shape, values: integersOf(bytesOf(what, array), 'I32') };
}

/** @throws SubjectError if the sizes are not the expected ones, with both. */
export function checkShape(what: string, shape: readonly number[], expected: readonly ExpectedSize[]): void {
  const fits =
    shape.length === expected.length &&
    expected.every((size, i) => typeof size === 'string' || shape[i] === size);
  if (!fits) {
    throw new SubjectError(`${what} has the shape [${shape.join(', ')}]; expected [${expected.join(', ')}]`);
  }
}

function fileOf(what: string, { file, tensor, shape }: Extract<WireArray, { file: string }>) {
  const opened = openArrayFile(file, tensor);
  if (opened.shape.join() !== shape.join()) {
    throw new SubjectError(
      `${what} has the shape [${shape.join(', ')}], but in ${file} it is [${opened.shape.join(', ')}]`,
    );
  }
  return opened;
}

function bytesOf(what: string, { dtype, shape, base64 }: Extract<WireArray, { base64: string }>): Uint8Array {
  // Characters that are no base64 are skipped, and then there are too few bytes.
  const bytes = Buffer.from(base64, 'base64');
  const size = sizeOf(shape) * 4;
  if (bytes.byteLength !== size) {
    throw new SubjectError(
      `${what} has ${bytes.byteLength} bytes in base64; ${dtype} [${shape.join(', ')}] takes ${size}`,
    );
  }
  return bytes;
}
