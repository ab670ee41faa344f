import { join } from 'node:path';
import test from 'ava';
import { Checkpoint } from '../../../../../engine/checkpoint/checkpoint.ts';
import { writeSafetensors } from '../../../../../engine/checkpoint/safetensors-writer.ts';
import {
  type Rows,
  stacked,
  storedRows,
  zeroPadded,
  zeros,
} from '../../../../../generator/export/gguf/rows.ts';
import { closing, temporaryFolder, trackResources } from '../../../../support/processes/cleanup.ts';

trackResources(test);

/** f32 rows in one part. */
function matrix(rows: number[][]): Rows {
  return {
    dtype: 'F32',
    shape: [rows.length, rows[0].length],
    chunks: () => [new Uint8Array(Float32Array.from(rows.flat()).buffer)],
  };
}

const valuesOf = (rows: Rows) => [
  ...new Float32Array(Uint8Array.from(Buffer.concat([...rows.chunks()])).buffer),
];

test('a stored tensor is read in parts of whole rows, at most 4 MiB each', (t) => {
  const modelDir = temporaryFolder(t);
  const shape = [3, 600_000];
  const data = Float32Array.from({ length: 1_800_000 }, (_, i) => i);
  writeSafetensors(join(modelDir, 'model.safetensors'), new Map([['w', { dtype: 'F32', shape, data }]]));
  const checkpoint = closing(t, Checkpoint.open(modelDir));
  const rows = storedRows(checkpoint.get('w'), 'w');
  t.deepEqual(rows.shape, shape);
  t.deepEqual(
    [...rows.chunks()].map(({ length }) => length),
    [2_400_000, 2_400_000, 2_400_000],
  );
  t.true(Buffer.from(data.buffer).equals(Buffer.concat([...rows.chunks()])));
});

test('zeros are added below and to the right', (t) => {
  const padded = zeroPadded(
    matrix([
      [1, 2],
      [3, 4],
    ]),
    [3, 3],
  );
  t.deepEqual(padded.shape, [3, 3]);
  t.deepEqual(valuesOf(padded), [1, 2, 0, 3, 4, 0, 0, 0, 0]);
});

test('a matrix of the wanted size stays as it is', (t) => {
  t.deepEqual(valuesOf(zeroPadded(matrix([[1, 2]]), [1, 2])), [1, 2]);
});

test('matrices are stacked in their order', (t) => {
  const stack = stacked([matrix([[1, 2]]), matrix([[3, 4]])]);
  t.deepEqual(stack.shape, [2, 1, 2]);
  t.deepEqual(valuesOf(stack), [1, 2, 3, 4]);
});

test('zeros fill their shape', (t) => {
  t.deepEqual(valuesOf(zeros([2, 3])), [0, 0, 0, 0, 0, 0]);
});
