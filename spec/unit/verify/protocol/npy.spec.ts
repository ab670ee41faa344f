import test from 'ava';
import { NPY_PREFIX_BYTES, npyHeaderBytes, parseNpyHeader } from '../../../../verify/protocol/npy.ts';
import { npyFile } from '../../../support/adapters/npy.ts';

const headerOf = (file: Buffer) =>
  parseNpyHeader(file.subarray(0, npyHeaderBytes(file.subarray(0, NPY_PREFIX_BYTES))));
const values = Float32Array.of(1, 2, 3, 4, 5, 6);

test('the header is read in every version and for every number of dimensions', (t) => {
  for (const version of [1, 2, 3]) {
    const header = headerOf(npyFile(values, { descr: '<f4', shape: '(2, 3)', version }));
    t.deepEqual(header, { dtype: 'F32', shape: [2, 3], begin: 128 }, `version ${version}`);
  }
  for (const [shape, sizes] of [
    ['()', []],
    ['(6,)', [6]],
    ['(1, 2, 3)', [1, 2, 3]],
  ] as const) {
    t.deepEqual(headerOf(npyFile(values, { descr: '<f4', shape })).shape, sizes);
  }
});

test('every number of NumPy that is read has its own type', (t) => {
  for (const [descr, dtype] of [
    ['<f2', 'F16'],
    ['<f4', 'F32'],
    ['<f8', 'F64'],
    ['<i4', 'I32'],
    ['<i8', 'I64'],
  ] as const) {
    t.is(headerOf(npyFile(values, { descr, shape: '(6,)' })).dtype, dtype, descr);
  }
});

test('a .npy file that is not supported is refused with the way to write it', (t) => {
  const prefix = (text: string) => Buffer.from(text.padEnd(NPY_PREFIX_BYTES), 'latin1');
  t.throws(() => npyHeaderBytes(prefix('PK')), { message: /is not a \.npy file/ });
  t.throws(() => npyHeaderBytes(Buffer.from('\x93NUMPY', 'latin1')), { message: /is not a \.npy file/ });
  t.throws(() => npyHeaderBytes(prefix('\x93NUMPY\x09')), { message: /of version 9; expected 1, 2 or 3/ });
  t.throws(() => headerOf(npyFile(values, { descr: '>f4', shape: '(6,)' })), {
    message: 'has elements ">f4"; expected <f2, <f4, <f8, <i4, <i8 (use .astype)',
  });
  t.throws(() => headerOf(npyFile(values, { descr: '<f4', shape: '(2, 3)', order: 'True' })), {
    message: /order of Fortran; use numpy\.ascontiguousarray/,
  });
  t.throws(() => headerOf(npyFile(values, { descr: '<f4', shape: 'None' })), {
    message: /has a header that cannot be read: \{'descr'/,
  });
});
