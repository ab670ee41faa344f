import test from 'ava';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';
import { bytesPerWeight, widen, widenBits } from '../../../../engine/kernels/widen.ts';
import { bitDifference } from './same-bits.ts';

const ALL = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);

/**
 * f16 computed in another way: adjacent numbers are 2⁻²⁴ apart below 2⁻¹³, and twice as far in every power of
 * two from there.
 */
function f16ByCounting(): Float32Array {
  const values = new Float32Array(2 ** 16).fill(NaN);
  let value = 0;
  for (let bits = 0; bits < 31 * 1024; bits++) {
    values[bits] = value;
    values[bits + 0x8000] = -value;
    value += 2 ** (Math.max(1, bits >> 10) - 25);
  }
  values[0x7c00] = Infinity;
  values[0xfc00] = -Infinity;
  return values;
}

/** bf16 computed in another way: the upper two bytes of a big-endian f32. */
function bf16ByBytes(): Float32Array {
  const view = new DataView(new ArrayBuffer(4));
  return Float32Array.from(ALL, (bits) => {
    view.setUint16(0, bits);
    return view.getFloat32(0);
  });
}

const EXPECTED = { F16: f16ByCounting(), BF16: bf16ByBytes() };

for (const dtype of ['F16', 'BF16'] as const) {
  test(`each of the 65,536 patterns of ${dtype} widens to the f32 of the same value`, (t) => {
    t.is(bitDifference(widen(dtype, new Uint8Array(ALL.buffer)), EXPECTED[dtype]), undefined);
  });

  test(`each of the 65,536 patterns of ${dtype} widens alike in the SIMD kernels, alone and in panels`, async (t) => {
    const wasm = await createWasmKernels();
    t.teardown(() => wasm.dispose());
    // Eight outputs, so that every lane of a panel has its turn.
    const shape = { outputs: 8, inputs: 2 ** 13, dtype };
    const rowBytes = 2 ** 14;
    const matrix = wasm.pack(shape, (row, rows) =>
      new Uint8Array(ALL.buffer).subarray(row * rowBytes, (row + rows) * rowBytes),
    );
    const rows = wasm.allocate(2 ** 16);
    wasm.gather(matrix, [0, 1, 2, 3, 4, 5, 6, 7], rows);
    t.is(bitDifference(rows, EXPECTED[dtype]), undefined);
  });
}

test('matmul by a row of the identity widens f16 in its panels, for few rows and for many', async (t) => {
  const wasm = await createWasmKernels();
  t.teardown(() => wasm.dispose());
  const finite = ALL.filter((bits) => (bits & 0x7c00) !== 0x7c00);
  const outputs = finite.length;
  const matrix = wasm.pack({ outputs, inputs: 1, dtype: 'F16' }, (row, rows) =>
    new Uint8Array(finite.buffer).subarray(2 * row, 2 * (row + rows)),
  );
  // A sum from +0 turns −0 into +0.
  const expected = Float32Array.from(finite, (bits) => EXPECTED.F16[bits] + 0);
  for (const rows of [1, 4, 9]) {
    const y = wasm.allocate(rows * outputs);
    wasm.matmul(wasm.allocate(rows).fill(1), rows, matrix, y);
    t.is(bitDifference(y.slice((rows - 1) * outputs), expected), undefined, `${rows} rows`);
  }
});

test('well-known f16 and bf16 patterns widen to their known values', (t) => {
  t.is(widenBits('F16', 0x3c00), 1);
  t.is(widenBits('F16', 0xc000), -2);
  t.is(widenBits('F16', 0x7bff), 65504);
  t.is(widenBits('F16', 0x0400), 2 ** -14);
  t.is(widenBits('F16', 0x0001), 2 ** -24);
  t.is(widenBits('F16', 0x8000), -0);
  t.is(widenBits('BF16', 0x3f80), 1);
  t.is(widenBits('BF16', 0xc049), -3.140625);
  t.is(widenBits('F32', 0x40490fdb), Math.fround(Math.PI));
});

test('widen reads bytes that begin at an odd address', (t) => {
  const bytes = Uint8Array.of(0xff, 0x00, 0x3c, 0x00, 0xc0).subarray(1);
  t.deepEqual(widen('F16', bytes), Float32Array.of(1, -2));
});

test('a weight has four bytes in F32 and two in F16 and BF16', (t) => {
  t.deepEqual((['F32', 'F16', 'BF16'] as const).map(bytesPerWeight), [4, 2, 2]);
});
