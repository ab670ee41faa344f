import test from 'ava';
import { type FloatDtype, narrow, widen } from '../../../../verify/oracle/floats.ts';

const bitsOf = (dtype: FloatDtype, value: number) =>
  new DataView(narrow(dtype, Float64Array.of(value)).buffer).getUint16(0, true);
const numberOf = (dtype: FloatDtype, bits: number) =>
  widen(dtype, new Uint8Array(Uint16Array.of(bits).buffer))[0];

for (const dtype of ['F16', 'BF16'] as const) {
  test(`every ${dtype} survives widening and narrowing, NaNs as a NaN`, (t) => {
    const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
    const values = widen(dtype, new Uint8Array(all.buffer));
    const back = new Uint16Array(narrow(dtype, values).buffer);
    const changed = all.filter((bits) => back[bits] !== bits && !Number.isNaN(values[bits]));
    t.deepEqual([...changed], []);
    t.is(values.filter(Number.isNaN).length, 2 * (dtype === 'F16' ? 2 ** 10 - 1 : 2 ** 7 - 1));
    t.true(
      values.filter(Number.isNaN).length === widen(dtype, narrow(dtype, values)).filter(Number.isNaN).length,
    );
  });
}

test('BF16 is the upper half of a float32', (t) => {
  for (const bits of [0x3f80, 0xbf80, 0x0001, 0x7f7f, 0x4049, 0x8000]) {
    const float = new Float32Array(Uint32Array.of(bits * 2 ** 16).buffer)[0];
    t.is(numberOf('BF16', bits), float);
  }
});

test('F16 has the values IEEE 754 gives binary16', (t) => {
  t.is(numberOf('F16', 0x3c00), 1);
  t.is(numberOf('F16', 0xc000), -2);
  t.is(numberOf('F16', 0x7bff), 65504);
  t.is(numberOf('F16', 0x0400), 2 ** -14);
  t.is(numberOf('F16', 0x0001), 2 ** -24);
  t.is(numberOf('F16', 0xfc00), -Infinity);
  t.is(numberOf('F16', 0x8000), -0);
});

test('narrowing rounds to the nearest, half to even, and overflows to infinity', (t) => {
  t.is(bitsOf('F16', 1 + 2 ** -11), 0x3c00);
  t.is(bitsOf('F16', 1 + 3 * 2 ** -11), 0x3c02);
  t.is(bitsOf('F16', 1 + 2 ** -11 + 2 ** -30), 0x3c01);
  t.is(bitsOf('F16', 2 - 2 ** -12), 0x4000);
  t.is(bitsOf('F16', 2 ** -25), 0x0000);
  t.is(bitsOf('F16', 1.5 * 2 ** -24), 0x0002);
  t.is(bitsOf('F16', 65519), 0x7bff);
  t.is(bitsOf('F16', 2 - 2 ** -52), 0x4000);
  t.is(bitsOf('F16', 65520), 0x7c00);
  t.is(bitsOf('BF16', -(1 + 2 ** -8)), 0xbf80);
  t.is(bitsOf('BF16', 1 + 3 * 2 ** -8), 0x3f82);
  t.is(bitsOf('BF16', 1e300), 0x7f80);
});

test('F32 and F64 are stored as they are', (t) => {
  const values = Float64Array.of(0.1, -0, Infinity, 1e-310);
  t.deepEqual(widen('F64', narrow('F64', values)), values);
  t.deepEqual(widen('F32', narrow('F32', values)), values.map(Math.fround));
});

test('bytes that begin at an odd address are read', (t) => {
  const bytes = new Uint8Array(9);
  bytes.set(narrow('F64', Float64Array.of(Math.PI)), 1);
  t.is(widen('F64', bytes.subarray(1))[0], Math.PI);
});

test('a dtype the oracle does not know is refused', (t) => {
  t.throws(() => widen('I8', new Uint8Array(4)), { instanceOf: RangeError, message: /dtype I8/ });
});
