import test from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { packedBytes, packPanels } from '../../../../engine/kernels/pack.ts';

/** Packs a matrix whose weight (n, k) is the pattern n · inputs + k, and tells what was read. */
function packCounting(outputs: number, inputs: number) {
  const weights = Uint16Array.from({ length: outputs * inputs }, (_, i) => i);
  const shape = { outputs, inputs, dtype: 'BF16' as const };
  const reads: [firstRow: number, numRows: number][] = [];
  const matrix = packPanels(
    shape,
    (firstRow, numRows) => {
      reads.push([firstRow, numRows]);
      return new Uint8Array(weights.buffer, firstRow * inputs * 2, numRows * inputs * 2);
    },
    new Uint8Array(packedBytes(shape)),
  );
  return { matrix, panels: new Uint16Array(matrix.panels.buffer), reads };
}

test('a panel holds eight outputs, input by input', (t) => {
  const { matrix, panels } = packCounting(16, 3);
  t.is(matrix.outputs, 16);
  t.is(matrix.inputs, 3);
  t.is(matrix.dtype, 'BF16');
  t.deepEqual([...panels.subarray(0, 8)], [0, 3, 6, 9, 12, 15, 18, 21]);
  t.deepEqual([...panels.subarray(8, 16)], [1, 4, 7, 10, 13, 16, 19, 22]);
  t.deepEqual([...panels.subarray(24, 32)], [24, 27, 30, 33, 36, 39, 42, 45]);
});

test('a last panel that is not full is padded with zeros', (t) => {
  const { panels } = packCounting(10, 2);
  t.is(panels.length, 32);
  t.deepEqual([...panels.subarray(16)], [16, 18, 0, 0, 0, 0, 0, 0, 17, 19, 0, 0, 0, 0, 0, 0]);
});

test('a matrix is read in ascending runs of whole panels of about a mebibyte, each row once', (t) => {
  t.deepEqual(packCounting(1200, 1024).reads, [
    [0, 512],
    [512, 512],
    [1024, 176],
  ]);
});

test('rows too long for a mebibyte are read a panel at a time', (t) => {
  t.deepEqual(packCounting(9, 70_000).reads, [
    [0, 8],
    [8, 1],
  ]);
});

test('the bits of every dtype are moved as they are, NaN payloads included', (t) => {
  const bits = Uint32Array.of(0x7fa00001, 0xffc12345, 0x80000000);
  const shape = { outputs: 3, inputs: 1, dtype: 'F32' as const };
  const { panels } = packPanels(shape, () => new Uint8Array(bits.buffer), new Uint8Array(packedBytes(shape)));
  t.deepEqual([...new Uint32Array(panels.buffer).subarray(0, 3)], [...bits]);
});

test('a reader that returns too few bytes is refused by name', (t) => {
  const shape = { outputs: 8, inputs: 4, dtype: 'F16' as const };
  t.throws(() => packPanels(shape, () => new Uint8Array(63), new Uint8Array(64)), {
    instanceOf: KernelError,
    message: 'pack: reading rows 0 to 8 of a F16 matrix [8, 4] gave 63 bytes, expected 64',
  });
});
