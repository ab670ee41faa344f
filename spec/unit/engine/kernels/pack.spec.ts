import test from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { packedBytes, packPanels } from '../../../../engine/kernels/pack.ts';

/** Packs a matrix whose weight (n, k) is the pattern n · inputs + k, and records what was read. */
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

test('a panel of 16-bit weights holds sixteen outputs, input by input, the two halves interleaved', (t) => {
  const { matrix, panels } = packCounting(32, 3);
  t.is(matrix.outputs, 32);
  t.is(matrix.inputs, 3);
  t.is(matrix.dtype, 'BF16');
  // Output n begins at 3n.
  t.deepEqual([...panels.subarray(0, 16)], [0, 24, 3, 27, 6, 30, 9, 33, 12, 36, 15, 39, 18, 42, 21, 45]);
  t.deepEqual([...panels.subarray(16, 20)], [1, 25, 4, 28]);
  t.deepEqual([...panels.subarray(48, 52)], [48, 72, 51, 75]);
});

test('a panel of f32 holds sixteen outputs in their order', (t) => {
  const weights = Float32Array.from({ length: 32 }, (_, i) => i);
  const shape = { outputs: 16, inputs: 2, dtype: 'F32' as const };
  const { panels } = packPanels(
    shape,
    (row, rows) => new Uint8Array(weights.buffer, row * 8, rows * 8),
    new Uint8Array(packedBytes(shape)),
  );
  t.deepEqual([...new Float32Array(panels.buffer, 0, 4)], [0, 2, 4, 6]);
  t.deepEqual([...new Float32Array(panels.buffer, 64, 4)], [1, 3, 5, 7]);
});

test('a last panel that is not full is padded with zeros', (t) => {
  const { panels } = packCounting(18, 2);
  t.is(panels.length, 64);
  t.deepEqual([...panels.subarray(32, 36)], [32, 0, 34, 0]);
  t.deepEqual([...panels.subarray(48, 52)], [33, 0, 35, 0]);
  t.true(panels.subarray(36, 48).every((bits) => bits === 0));
});

test('a matrix is read in ascending runs of whole panels, each row once', (t) => {
  t.deepEqual(packCounting(40, 5).reads, [
    [0, 16],
    [16, 16],
    [32, 8],
  ]);
});

test('the bits of every dtype are moved as they are, NaN payloads included', (t) => {
  const bits = Uint32Array.of(0x7fa00001, 0xffc12345, 0x80000000);
  const shape = { outputs: 3, inputs: 1, dtype: 'F32' as const };
  const { panels } = packPanels(shape, () => new Uint8Array(bits.buffer), new Uint8Array(packedBytes(shape)));
  t.deepEqual([...new Uint32Array(panels.buffer).subarray(0, 3)], [...bits]);
});

test('a reader that returns too few bytes, or too many, is refused by name', (t) => {
  const shape = { outputs: 8, inputs: 4, dtype: 'F16' as const };
  for (const bytes of [63, 65]) {
    t.throws(() => packPanels(shape, () => new Uint8Array(bytes), new Uint8Array(64)), {
      instanceOf: KernelError,
      message: `pack: reading rows 0 to 8 of a F16 matrix [8, 4] gave ${bytes} bytes, expected 64`,
    });
  }
});
