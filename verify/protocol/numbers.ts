/** How the elements of an array in a file are stored, by the names of the safetensors format. */
export type StoredDtype = 'F16' | 'BF16' | 'F32' | 'F64' | 'I32' | 'I64';

/** Bytes of an element. */
export const STORED_BYTES: Readonly<Record<StoredDtype, number>> = Object.freeze({
  F16: 2,
  BF16: 2,
  F32: 4,
  F64: 8,
  I32: 4,
  I64: 8,
});

/** Reads the element at an offset in bytes; the dtypes of 32 bits are copied as they are. */
const READERS: Readonly<
  Record<Exclude<StoredDtype, 'F32' | 'I32'>, (view: DataView, offset: number) => number>
> = {
  F16: (view, offset) => halfToNumber(view.getUint16(offset, true)),
  BF16: (view, offset) => bfloat16ToNumber(view.getUint16(offset, true)),
  F64: (view, offset) => view.getFloat64(offset, true),
  I64: (view, offset) => Number(view.getBigInt64(offset, true)),
};

/**
 * Little-endian elements as f32. Those of 64 bits are rounded, those of 16 are exact.
 *
 * @throws RangeError if the elements are integers.
 */
export function floatsOf(bytes: Uint8Array, dtype: StoredDtype): Float32Array {
  if (dtype === 'I32' || dtype === 'I64') throw new RangeError(`has elements ${dtype}; expected floats`);
  if (dtype === 'F32') return new Float32Array(copyOf(bytes));
  return Float32Array.from(elements(bytes, dtype));
}

/**
 * Little-endian elements as i32.
 *
 * @throws RangeError if the elements are floats, or one does not fit 32 bits.
 */
export function integersOf(bytes: Uint8Array, dtype: StoredDtype): Int32Array {
  if (dtype !== 'I32' && dtype !== 'I64') {
    throw new RangeError(`has elements ${dtype}; expected integers, I32 or I64`);
  }
  if (dtype === 'I32') return new Int32Array(copyOf(bytes));
  const integers = elements(bytes, dtype);
  const wide = integers.find((integer) => integer !== (integer | 0));
  if (wide !== undefined) throw new RangeError(`has the integer ${wide}, which does not fit 32 bits`);
  return Int32Array.from(integers);
}

/** Typed arrays of 32 bits begin at a multiple of 4 bytes, which a part of a buffer need not do. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function elements(bytes: Uint8Array, dtype: keyof typeof READERS): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = STORED_BYTES[dtype];
  const read = READERS[dtype];
  const numbers = new Float64Array(bytes.byteLength / size);
  for (let i = 0; i < numbers.length; i++) numbers[i] = read(view, i * size);
  return numbers;
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of an IEEE 754 binary32. */
function bfloat16ToNumber(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
}
