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

test('an array of every dtype ends where its bytes end, also within a buffer that others share', (t) => {
  // Node cuts what is decoded from base64 out of a pool, as long as it is small.
  const shared = (...numbers: number[]) => {
    const pool = new Uint8Array(64).fill(0x41);
    pool.set(numbers, 8);
    return Buffer.from(pool.buffer, 8, numbers.length);
  };
  t.deepEqual(floatsOf(shared(0, 0, 0x80, 0x3f), 'F32'), Float32Array.of(1));
  t.deepEqual(floatsOf(shared(0, 0, 0, 0, 0, 0, 0xf0, 0x3f), 'F64'), Float32Array.of(1));
  t.deepEqual(floatsOf(shared(0x00, 0x3c), 'F16'), Float32Array.of(1));
  t.deepEqual(floatsOf(shared(0x80, 0x3f), 'BF16'), Float32Array.of(1));
  t.deepEqual(integersOf(shared(7, 0, 0, 0), 'I32'), Int32Array.of(7));
  t.deepEqual(integersOf(shared(7, 0, 0, 0, 0, 0, 0, 0), 'I64'), Int32Array.of(7));
});

test('an array does not change with the bytes that it was read from', (t) => {
  const bytes = Buffer.from([0, 0, 0x80, 0x3f]);
  const [floats, integers] = [floatsOf(bytes, 'F32'), integersOf(bytes, 'I32')];
  bytes.fill(0xff);
  t.deepEqual([floats, integers], [Float32Array.of(1), Int32Array.of(0x3f800000)]);
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
