import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { SubjectError } from '../../../../verify/errors.ts';
import { checkShape, decodeFloats, decodeIntegers } from '../../../../verify/protocol/wire-array.ts';
import { encodeArray } from '../../../support/adapters/encode-array.ts';
import { npyFile } from '../../../support/adapters/npy.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

test('an array that was encoded is decoded to the same bits', (t) => {
  fc.assert(
    fc.property(fc.float32Array(), fc.int32Array(), (floats, integers) => {
      const decoded = decodeFloats('x', encodeArray(floats, [floats.length]), ['n']);
      t.deepEqual(decoded.values, floats);
      t.deepEqual(decoded.shape, [floats.length]);
      t.deepEqual(decodeIntegers('x', encodeArray(integers, [integers.length]), ['n']).values, integers);
    }),
  );
});

test('a shape, a dtype or a length that is not the expected one is refused by the name of the array', (t) => {
  const array = encodeArray(Float32Array.of(1, 2, 3, 4), [2, 2]);
  for (const [decode, message] of [
    [() => decodeFloats('x', array, [2, 3]), 'x has the shape [2, 2]; expected [2, 3]'],
    [() => decodeFloats('x', array, [4]), 'x has the shape [2, 2]; expected [4]'],
    [() => decodeFloats('x', array, [1, 'vocabulary']), 'x has the shape [2, 2]; expected [1, vocabulary]'],
    [() => decodeIntegers('x', array, [2, 2]), 'x has the dtype f32; expected i32'],
    [() => decodeFloats('x', { ...array, dtype: 'i32' }, [2, 2]), 'x has the dtype i32; expected f32'],
    [
      () => decodeFloats('x', { ...array, shape: [2, 3] }, [2, 3]),
      'x has 16 bytes in base64; f32 [2, 3] takes 24',
    ],
    [
      () => decodeFloats('x', { ...array, shape: [1, 2] }, [1, 2]),
      'x has 16 bytes in base64; f32 [1, 2] takes 8',
    ],
    [
      () => decodeFloats('x', { ...array, base64: array.base64.replace('A', '*') }, [2, 2]),
      'x has 15 bytes in base64; f32 [2, 2] takes 16',
    ],
  ] as const) {
    t.throws(decode, { instanceOf: SubjectError, message });
  }
  t.notThrows(() => checkShape('x', [5, 3], ['layers + 2', 3]));
});

test('an array in a file is held to the shape of the message', (t) => {
  const file = join(temporaryFolder(t), 'a.npy');
  writeFileSync(file, npyFile(Float64Array.of(1, 2, 3, 4), { descr: '<f8', shape: '(2, 2)' }));
  t.deepEqual(decodeFloats('x', { file, shape: [2, 2] }, [2, 2]).values, Float32Array.of(1, 2, 3, 4));
  t.throws(() => decodeFloats('x', { file, shape: [4] }, [4]), {
    instanceOf: SubjectError,
    message: `x has the shape [4], but in ${file} it is [2, 2]`,
  });
  t.throws(() => decodeFloats('x', { file, shape: [1, 4] }, [1, 4]), {
    instanceOf: SubjectError,
    message: `x has the shape [1, 4], but in ${file} it is [2, 2]`,
  });
  const ids = join(temporaryFolder(t), 'b.npy');
  writeFileSync(ids, npyFile(BigInt64Array.of(1n, 2n), { descr: '<i8', shape: '(2,)' }));
  t.deepEqual(decodeIntegers('x', { file: ids, shape: [2] }, [2]).values, Int32Array.of(1, 2));
});
