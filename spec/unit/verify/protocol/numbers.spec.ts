import test from 'ava';
import { floatsOf, integersOf, STORED_BYTES } from '../../../../verify/protocol/numbers.ts';

const bytesOf = (...numbers: number[]) => Uint8Array.from(numbers);

test('floats of every width are read, wherever in a buffer they begin', (t) => {
  const f32 = new Uint8Array(Float32Array.of(1.5, -2).buffer);
  const shifted = new Uint8Array(9);
  shifted.set(f32, 1);
  t.deepEqual(floatsOf(shifted.subarray(1), 'F32'), Float32Array.of(1.5, -2));
  t.deepEqual(
    floatsOf(new Uint8Array(Float64Array.of(0.1).buffer), 'F64'),
    Float32Array.of(Math.fround(0.1)),
  );
  // 1, -2, the smallest subnormal, the largest, infinity, NaN
  const half = bytesOf(0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b, 0x00, 0x7c, 0x01, 0x7c);
  const expected = [1, -2, 2 ** -24, 65504, Number.POSITIVE_INFINITY, Number.NaN];
  t.deepEqual(floatsOf(half, 'F16'), Float32Array.from(expected));
  t.deepEqual(floatsOf(bytesOf(0x80, 0x3f, 0x00, 0xc0), 'BF16'), Float32Array.of(1, -2));
});

test('integers of 32 and 64 bits are read; those that do not fit 32 bits are refused', (t) => {
  t.deepEqual(integersOf(new Uint8Array(Int32Array.of(-1, 7).buffer), 'I32'), Int32Array.of(-1, 7));
  t.deepEqual(integersOf(new Uint8Array(BigInt64Array.of(-1n, 7n).buffer), 'I64'), Int32Array.of(-1, 7));
  const wide = new Uint8Array(BigInt64Array.of(0n, 2n ** 31n).buffer);
  t.throws(() => integersOf(wide, 'I64'), {
    message: 'has the integer 2147483648, which does not fit 32 bits',
  });
});

test('floats are no integers, and integers no floats', (t) => {
  const bytes = new Uint8Array(8);
  for (const dtype of ['F16', 'BF16', 'F32', 'F64'] as const) {
    t.throws(() => integersOf(bytes, dtype), {
      message: `has elements ${dtype}; expected integers, I32 or I64`,
    });
    t.is(floatsOf(bytes, dtype).length, 8 / STORED_BYTES[dtype]);
  }
  for (const dtype of ['I32', 'I64'] as const) {
    t.throws(() => floatsOf(bytes, dtype), { message: `has elements ${dtype}; expected floats` });
  }
});
