import test from 'ava';
import fc from 'fast-check';
import { widen } from '../../../../../engine/kernels/widen.ts';
import {
  byteLength,
  encodeWeights,
  quantizeQ8_0,
  widenWeights,
} from '../../../../../generator/export/gguf/encode.ts';

/** 32 values, zeros after those that are given. */
function block(...values: number[]): Float32Array {
  const all = new Float32Array(32);
  all.set(values);
  return all;
}

const signed = (bytes: Uint8Array) => [...new Int8Array(bytes.slice(2).buffer)];

test('the largest magnitude of a block becomes 127, with its sign', (t) => {
  // d = 2 / 127 = 0.015748, in f16 0x2408: 1.0078125 · 2^-6.
  const bytes = quantizeQ8_0(block(-2, 1, 0.5));
  t.deepEqual([bytes[0], bytes[1]], [0x08, 0x24]);
  t.deepEqual(signed(bytes).slice(0, 4), [-127, 64, 32, 0]);
});

test('halves are rounded away from zero, as roundf does', (t) => {
  // d is 1, so the values are the quotients.
  const bytes = quantizeQ8_0(block(127, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.4999));
  t.deepEqual(signed(bytes).slice(0, 8), [127, 1, -1, 2, -2, 3, -3, 0]);
});

test('quotients are by the reciprocal of the scale in f32', (t) => {
  // A quotient of nearly 3.5: the division would give 3.
  t.deepEqual(signed(quantizeQ8_0(block(0.01, 0.00027559054433368146))).slice(0, 2), [127, 4]);
});

test('a block of zeros has scale zero, and blocks are apart', (t) => {
  const bytes = quantizeQ8_0(Float32Array.of(...block(), ...block(127)));
  t.is(bytes.length, 68);
  t.true(bytes.subarray(0, 34).every((byte) => byte === 0));
  t.deepEqual([...bytes.subarray(34, 37)], [0x00, 0x3c, 127]);
});

test('no value of a block is off by more than half a step and the rounding of the scale', (t) => {
  const value = fc.float({ noNaN: true, min: Math.fround(-100), max: Math.fround(100) });
  fc.assert(
    fc.property(fc.array(value, { minLength: 32, maxLength: 32 }), (drawn) => {
      const values = Float32Array.from(drawn);
      const bytes = quantizeQ8_0(values);
      const [scale] = widen('F16', bytes.slice(0, 2));
      const max = Math.max(...values.map(Math.abs));
      // An f16 has 11 bits, and below 2^-14 steps of 2^-24.
      const bound = (max / 127) * 0.501 + max * 2 ** -11 + 127 * 2 ** -25;
      signed(bytes).forEach((q, i) => {
        if (Math.abs(q * scale - values[i]) > bound) throw new Error(`${values[i]} became ${q} · ${scale}`);
      });
    }),
  );
  t.pass();
});

test('weights widen exactly as the kernels widen them, every f16 and bf16', (t) => {
  const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
  for (const dtype of ['F16', 'BF16'] as const) {
    const bytes = new Uint8Array(all.buffer);
    const expected = widen(dtype, bytes);
    // Of NaN only that it is one: its payload is not the same in every way of computing it.
    t.is(
      widenWeights(bytes, dtype).findIndex((value, bits) => !Object.is(value, expected[bits])),
      -1,
      dtype,
    );
  }
});

test('weights in the type they have are not copied; in another they are rounded, ties to even', (t) => {
  const f32 = new Uint8Array(Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8).buffer);
  t.is(encodeWeights(f32, 'F32', 'F32'), f32);
  const bf16 = encodeWeights(f32, 'F32', 'BF16');
  t.deepEqual([...new Uint16Array(bf16.slice().buffer)], [0x3f80, 0x3f82]);
  t.deepEqual([...widenWeights(encodeWeights(f32, 'F32', 'F16'), 'F16')], [1 + 2 ** -8, 1 + 3 * 2 ** -8]);
  t.deepEqual([...new Float32Array(encodeWeights(bf16, 'BF16', 'F32').slice().buffer)], [1, 1 + 2 ** -6]);
  t.is(encodeWeights(new Uint8Array(64), 'BF16', 'Q8_0').length, 34);
});

test('a block of 32 takes 34 bytes', (t) => {
  t.is(byteLength('Q8_0', [3, 64]), 3 * 68);
  t.is(byteLength('BF16', [3, 5]), 30);
  t.is(byteLength('F32', [7]), 28);
});
