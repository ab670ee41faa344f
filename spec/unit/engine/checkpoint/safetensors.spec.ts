import { closeSync, openSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DTYPE_BYTES, SafetensorsFile } from '../../../../engine/checkpoint/safetensors.ts';
import { CheckpointError } from '../../../../engine/errors.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

// Files that are refused must be closed again: what stays open in the temporary folder fails this spec.
trackResources(test);

interface RawFile {
  header: unknown;
  /** Bytes of data. Default 16. */
  data?: number;
  /** What the first 8 bytes claim. Default the header's real length. */
  claim?: bigint;
}

/** A file as it stands on disk; `header` is taken as it is if it is bytes or text, else as JSON. */
function write(t: ExecutionContext, { header, data = 16, claim }: RawFile): string {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const bytes = header instanceof Uint8Array ? header : Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claim ?? BigInt(bytes.byteLength));
  const path = join(temporaryFolder(t), 'model.safetensors');
  writeFileSync(path, Buffer.concat([length, bytes, Uint8Array.from({ length: data }, (_, i) => i)]));
  return path;
}

const entry = (begin: number, end: number, keys: object = {}) => ({
  dtype: 'U8',
  shape: [end - begin],
  data_offsets: [begin, end],
  ...keys,
});
const WHOLE = entry(0, 16);

test('tensors are found with dtype, shape and absolute offsets, and read byte for byte', (t) => {
  const header = {
    __metadata__: { format: 'pt' },
    second: { dtype: 'F32', shape: [1, 2], data_offsets: [4, 12] },
    first: { dtype: 'BF16', shape: [2], data_offsets: [0, 4] },
    third: { dtype: 'U8', shape: [4], data_offsets: [12, 16], extra: 'is ignored' },
  };
  const file = closing(t, SafetensorsFile.open(write(t, { header })));
  const dataBegin = 8 + JSON.stringify(header).length;
  t.deepEqual(file.metadata, { format: 'pt' });
  t.deepEqual([...file.tensors.keys()], ['second', 'first', 'third']);
  t.deepEqual(file.tensors.get('second'), {
    dtype: 'F32',
    shape: [1, 2],
    begin: dataBegin + 4,
    end: dataBegin + 12,
  });
  t.deepEqual(file.read('first'), Uint8Array.of(0, 1, 2, 3));
  t.deepEqual(file.read('third'), Uint8Array.of(12, 13, 14, 15));
  const part = new Uint8Array(3);
  file.readInto('second', 5, part);
  t.deepEqual(part, Uint8Array.of(9, 10, 11));
});

test('empty tensors, scalars, a padded header and odd names are allowed', (t) => {
  const header = {
    scalar: { dtype: 'F64', shape: [], data_offsets: [0, 8] },
    empty: { dtype: 'F32', shape: [0, 2 ** 40], data_offsets: [8, 8] },
    'a "name"\n{': { dtype: 'I64', shape: [1, 1, 1], data_offsets: [8, 16] },
  };
  const odd = JSON.stringify(header).replace('empty', '__proto__');
  const file = closing(t, SafetensorsFile.open(write(t, { header: `${odd}     ` })));
  t.deepEqual([...file.tensors.keys()], ['scalar', '__proto__', 'a "name"\n{']);
  t.is(file.read('__proto__').byteLength, 0);
  t.deepEqual(file.metadata, {});
  const none = closing(t, SafetensorsFile.open(write(t, { header: {}, data: 0 })));
  t.is(none.tensors.size, 0);
  // As mlx writes it.
  const empty = closing(t, SafetensorsFile.open(write(t, { header: { __metadata__: null }, data: 0 })));
  t.deepEqual(empty.metadata, {});
});

test('every dtype of the format has its size', (t) => {
  // Written out, because a size that is wrong in the table would be wrong here too.
  const sizes = {
    ...{ BOOL: 1, U8: 1, I8: 1, F8_E4M3: 1, F8_E5M2: 1, I16: 2, U16: 2, F16: 2, BF16: 2 },
    ...{ I32: 4, U32: 4, F32: 4, I64: 8, U64: 8, F64: 8 },
  };
  t.deepEqual(DTYPE_BYTES, sizes);
  for (const [dtype, bytes] of Object.entries(sizes)) {
    const header = { x: { dtype, shape: [3], data_offsets: [0, 3 * bytes] } };
    const file = closing(t, SafetensorsFile.open(write(t, { header, data: 3 * bytes })));
    t.is(file.read('x').byteLength, 3 * bytes, dtype);
  }
});

const x = (keys: object) => ({ header: { x: { ...WHOLE, ...keys } } });
const text = (header: string) => ({ header });
const REFUSED: [string, RawFile, RegExp][] = [
  ['a header longer than the file', { header: { x: WHOLE }, claim: 1000n }, /claims 1000 bytes.*truncated/],
  ['a header of 2^63 bytes', { header: {}, claim: 2n ** 63n }, /claims 9223372036854775808 bytes; at most/],
  ['a header over the limit of the format', { header: {}, claim: 100_000_001n }, /at most 100000000 are/],
  ['no header', { header: '', data: 0 }, /not JSON/],
  ['a header that is not JSON', text('{"x": '), /not JSON/],
  ['a header that is not UTF-8', { header: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }, /not UTF-8/],
  ['a header behind a byte order mark', text('\ufeff{}'), /not JSON/],
  ['a header that is an array', text('[]'), /not a JSON object/],
  ['a header that is null', text('null'), /not a JSON object/],
  ['a header that is a number', text('7'), /not a JSON object/],
  ['a name twice', text(`{"x":${JSON.stringify(WHOLE)},"x":${JSON.stringify(WHOLE)}}`), /key "x" twice/],
  ['a name twice, spelt differently', text('{"a":{}, "\\u0061" :{}}'), /key "a" twice/],
  ['a key of a tensor twice', text('{"x":{"dtype":"U8","dtype":"I8"}}'), /key "dtype" twice/],
  ['metadata that is no map', { header: { __metadata__: [] } }, /__metadata__ is not a map of strings/],
  ['metadata that is false', { header: { __metadata__: false } }, /__metadata__ is not a map of strings/],
  ['metadata that is text', { header: { __metadata__: '' } }, /__metadata__ is not a map of strings/],
  ['metadata of numbers', { header: { __metadata__: { a: 1 } } }, /__metadata__ is not a map of strings/],
  ['an entry that is no object', { header: { x: [] } }, /entry of "x" is not an object/],
  ['an unknown dtype', x({ dtype: 'F31' }), /"x" has the unknown dtype "F31"/],
  ['a dtype that only an object has', x({ dtype: 'toString' }), /unknown dtype "toString"/],
  ['a missing dtype', x({ dtype: undefined }), /unknown dtype undefined/],
  ['a missing shape', x({ shape: undefined }), /"x" has the shape undefined/],
  ['a negative size', x({ shape: [-4, -4] }), /shape \[ -4, -4 \]/],
  ['a size that is no whole number', x({ shape: [1.5] }), /shape \[ 1\.5 \]/],
  ['a size as text', x({ shape: ['16'] }), /shape \[ '16' \]/],
  ['a size no number can hold', x({ shape: [2 ** 53] }), /shape \[ 9007199254740992 \]/],
  [
    'many sizes, in one line',
    x({ shape: [...new Array(20).fill(1), -1] }),
    /shape \[ 1, 1, .*, \.\.\. 13 more items \]; expected/,
  ],
  ['sizes whose product overflows', x({ shape: [2 ** 32, 2 ** 32] }), /takes 1844\d+ bytes but has 16/],
  ['missing offsets', x({ data_offsets: undefined }), /data_offsets undefined/],
  ['one offset', x({ data_offsets: [16] }), /data_offsets \[ 16 \]; expected \[begin, end\]/],
  ['three offsets', x({ data_offsets: [0, 8, 16] }), /data_offsets \[ 0, 8, 16 \]/],
  ['reversed offsets', x({ data_offsets: [16, 0] }), /data_offsets \[ 16, 0 \]/],
  ['negative offsets', x({ data_offsets: [-16, 0] }), /data_offsets \[ -16, 0 \]/],
  ['a shape that needs more than its bytes', x({ shape: [17] }), /U8 \[17\], takes 17 bytes but has 16/],
  ['a shape that needs less than its bytes', x({ shape: [3, 5] }), /U8 \[3, 5\], takes 15 bytes/],
  ['a dtype that needs more than its bytes', x({ dtype: 'F32' }), /F32 \[16\], takes 64 bytes/],
  ['overlapping tensors', { header: { a: entry(0, 9), b: entry(8, 16) } }, /"b" overlaps.*at 8, expected 9/],
  ['two tensors in one place', { header: { a: WHOLE, b: WHOLE } }, /"b" overlaps the tensor before it/],
  ['a gap between tensors', { header: { a: entry(0, 7), b: entry(8, 16) } }, /"b" leaves a gap.*expected 7/],
  ['a gap before the first tensor', { header: { a: entry(1, 16) } }, /"a" leaves a gap/],
  ['data cut short', { header: { x: WHOLE }, data: 15 }, /is truncated: 15 bytes of data, expected 16/],
  ['offsets beyond the file', { header: { x: entry(0, 2 ** 40) } }, /is truncated: 16 bytes/],
  ['bytes behind the last tensor', { header: { x: WHOLE }, data: 17 }, /belong to no tensor: 17 bytes/],
  ['data without a tensor', { header: {} }, /belong to no tensor/],
  ['brackets nested without end', text(`{"x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`), /not an object/],
  [
    'a dtype nested without end',
    text(`{"x":{"dtype":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`),
    /unknown dtype \[ \[ \[Array\] \] \]/,
  ],
];
for (const [what, raw, message] of REFUSED) {
  test(`refused: ${what}`, (t) => {
    const path = write(t, raw);
    const error = t.throws(() => SafetensorsFile.open(path), { instanceOf: CheckpointError, message });
    t.true(error.message.startsWith(`${path}: not a valid safetensors file: `), error.message);
  });
}

test('a Git LFS pointer in place of a file is called that', (t) => {
  const path = join(temporaryFolder(t), 'model.safetensors');
  writeFileSync(path, `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`);
  t.throws(() => SafetensorsFile.open(path), {
    instanceOf: CheckpointError,
    message: /model\.safetensors: not a valid safetensors file: it is a Git LFS pointer.*git lfs pull/,
  });
});

test('a file too short for the length of its header is refused', (t) => {
  const path = join(temporaryFolder(t), 'short.safetensors');
  for (const length of [0, 1, 7]) {
    writeFileSync(path, Buffer.alloc(length));
    const refusal = { instanceOf: CheckpointError, message: RegExp(`it has ${length} bytes`) };
    t.throws(() => SafetensorsFile.open(path), refusal);
  }
});

test('a path that is missing or a folder is refused', (t) => {
  const folder = temporaryFolder(t);
  const missing = join(folder, 'missing.safetensors');
  t.throws(() => SafetensorsFile.open(missing), {
    instanceOf: CheckpointError,
    message: `cannot open ${missing} (ENOENT)`,
  });
  t.throws(() => SafetensorsFile.open(folder), {
    instanceOf: CheckpointError,
    message: /not a regular file/,
  });
});

test('a missing tensor cannot be read', (t) => {
  const file = closing(t, SafetensorsFile.open(write(t, { header: { x: WHOLE } })));
  for (const name of ['y', '__metadata__', 'toString']) {
    t.throws(() => file.read(name), { instanceOf: CheckpointError, message: RegExp(`no tensor "${name}"`) });
  }
});

test('no bytes outside a tensor can be read through it', (t) => {
  const header = { a: entry(0, 8), b: entry(8, 16) };
  const file = closing(t, SafetensorsFile.open(write(t, { header })));
  const refusal = { instanceOf: CheckpointError, message: /tensor "a" has 8 bytes; cannot read 4 at/ };
  t.throws(() => file.readInto('a', 5, new Uint8Array(4)), refusal);
  t.throws(() => file.readInto('b', -1, new Uint8Array(4)), { instanceOf: CheckpointError });
  t.notThrows(() => file.readInto('a', 4, new Uint8Array(4)));
});

test('a file that shrinks after it was opened is refused', (t) => {
  const path = write(t, { header: { x: WHOLE } });
  const file = closing(t, SafetensorsFile.open(path));
  truncateSync(path, file.tensors.get('x')!.end - 1);
  t.throws(() => file.read('x'), { instanceOf: CheckpointError, message: /changed while being read/ });
});

test('a tensor behind the first 2 and 4 GiB of a file is read at its own offset', (t) => {
  const header = {
    half: entry(0, 2 ** 31 + 8),
    whole: entry(2 ** 31 + 8, 2 ** 32 + 8),
    last: entry(2 ** 32 + 8, 2 ** 32 + 16),
  };
  const path = write(t, { header });
  const dataBegin = statSync(path).size - 16;
  // The file has a hole in place of the first two tensors.
  truncateSync(path, dataBegin + 2 ** 32 + 16);
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, Uint8Array.of(1, 2, 3, 4), 0, 4, dataBegin + 2 ** 31 + 8);
  writeSync(descriptor, Uint8Array.of(5, 6, 7, 8, 9, 10, 11, 12), 0, 8, dataBegin + 2 ** 32 + 8);
  closeSync(descriptor);
  const file = closing(t, SafetensorsFile.open(path));
  t.deepEqual(file.read('last'), Uint8Array.of(5, 6, 7, 8, 9, 10, 11, 12));
  const part = new Uint8Array(4);
  file.readInto('whole', 0, part);
  t.deepEqual(part, Uint8Array.of(1, 2, 3, 4));
  file.readInto('last', 4, part);
  t.deepEqual(part, Uint8Array.of(9, 10, 11, 12));
  file.readInto('half', 2 ** 31 + 4, part);
  t.deepEqual(part, new Uint8Array(4));
});

test('a closed file reads nothing, and closing it again closes no other file', (t) => {
  const path = write(t, { header: { x: WHOLE } });
  const first = SafetensorsFile.open(path);
  first.close();
  // The system gives this one the number that the first had.
  const second = closing(t, SafetensorsFile.open(path));
  t.throws(() => first.read('x'), { instanceOf: CheckpointError, message: `${path}: has been closed` });
  first.close();
  t.is(second.read('x').byteLength, 16);
});
