import { closeSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { DTYPE_BYTES, SafetensorsFile } from '../../../../engine/checkpoint/safetensors.ts';
import { CheckpointError } from '../../../../engine/errors.ts';
import { lfsPointer } from '../../../../engine/terminal/git-lfs.ts';
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
const NO_MAP = '__metadata__ is not a map of strings';
const ofShape = (shown: string) => `"x" has the shape ${shown}; expected whole numbers`;
const ofOffsets = (shown: string) => `"x" has data_offsets ${shown}; expected [begin, end]`;
function notJson(json: string): string {
  try {
    return JSON.parse(json);
  } catch (error) {
    return `the header is not JSON: ${(error as Error).message}`;
  }
}
/** The whole message after its beginning, and the file. */
const REFUSED: [string, RawFile][] = [
  [
    'the header claims 1000 bytes, but the file ends after 71 of them; it is truncated',
    { header: { x: WHOLE }, claim: 1000n },
  ],
  [
    'the header claims 9223372036854775808 bytes; at most 100000000 are allowed',
    { header: {}, claim: 2n ** 63n },
  ],
  ['the header claims 100000001 bytes; at most 100000000 are allowed', { header: {}, claim: 100_000_001n }],
  [
    'the header claims 100000000 bytes, but the file ends after 18 of them; it is truncated',
    { header: {}, claim: 100_000_000n },
  ],
  [notJson(''), { header: '', data: 0 }],
  [notJson('{"x": '), text('{"x": ')],
  ['the header is not UTF-8', { header: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }],
  [notJson('\ufeff{}'), text('\ufeff{}')],
  ['the header is not a JSON object', text('[]')],
  ['the header is not a JSON object', text('null')],
  ['the header is not a JSON object', text('7')],
  ['the header has the key "x" twice', text(`{"x":${JSON.stringify(WHOLE)},"x":${JSON.stringify(WHOLE)}}`)],
  ['the header has the key "a" twice', text('{"a":{}, "\\u0061" :{}}')],
  ['the header has the key "dtype" twice', text('{"x":{"dtype":"U8","dtype":"I8"}}')],
  [NO_MAP, { header: { __metadata__: [] } }],
  [NO_MAP, { header: { __metadata__: false } }],
  [NO_MAP, { header: { __metadata__: '' } }],
  [NO_MAP, { header: { __metadata__: { a: 1 } } }],
  ['the entry of "x" is not an object', { header: { x: [] } }],
  ['"x" has the unknown dtype "F31"', x({ dtype: 'F31' })],
  ['"x" has the unknown dtype "toString"', x({ dtype: 'toString' })],
  ['"x" has the unknown dtype undefined', x({ dtype: undefined })],
  [ofShape('undefined'), x({ shape: undefined })],
  [ofShape('[ -4, -4 ]'), x({ shape: [-4, -4] })],
  [ofShape('[ 1.5 ]'), x({ shape: [1.5] })],
  [ofShape("[ '16' ]"), x({ shape: ['16'] })],
  [ofShape('[ 9007199254740992 ]'), x({ shape: [2 ** 53] })],
  [ofShape('[ 1, 1, 1, 1, 1, 1, 1, 1, ... 13 more items ]'), x({ shape: [...new Array(20).fill(1), -1] })],
  [
    '"x", U8 [4294967296, 4294967296], takes 18446744073709552000 bytes but has 16',
    x({ shape: [2 ** 32, 2 ** 32] }),
  ],
  [ofOffsets('undefined'), x({ data_offsets: undefined })],
  [ofOffsets('[ 16 ]'), x({ data_offsets: [16] })],
  [ofOffsets('[ 0, 8, 16 ]'), x({ data_offsets: [0, 8, 16] })],
  [ofOffsets('[ 16, 0 ]'), x({ data_offsets: [16, 0] })],
  [ofOffsets('[ -16, 0 ]'), x({ data_offsets: [-16, 0] })],
  ['"x", U8 [17], takes 17 bytes but has 16', x({ shape: [17] })],
  ['"x", U8 [3, 5], takes 15 bytes but has 16', x({ shape: [3, 5] })],
  ['"x", F32 [16], takes 64 bytes but has 16', x({ dtype: 'F32' })],
  [
    '"b" overlaps the tensor before it: it begins at 8, expected 9',
    { header: { a: entry(0, 9), b: entry(8, 16) } },
  ],
  ['"b" overlaps the tensor before it: it begins at 0, expected 16', { header: { a: WHOLE, b: WHOLE } }],
  ['"b" leaves a gap before it: it begins at 8, expected 7', { header: { a: entry(0, 7), b: entry(8, 16) } }],
  ['"a" leaves a gap before it: it begins at 1, expected 0', { header: { a: entry(1, 16) } }],
  ['the file is truncated: 15 bytes of data, expected 16', { header: { x: WHOLE }, data: 15 }],
  ['the file is truncated: 16 bytes of data, expected 1099511627776', { header: { x: entry(0, 2 ** 40) } }],
  [
    'the file has bytes that belong to no tensor: 17 bytes of data, expected 16',
    { header: { x: WHOLE }, data: 17 },
  ],
  ['the file has bytes that belong to no tensor: 16 bytes of data, expected 0', { header: {} }],
  ['the entry of "x" is not an object', text(`{"x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`)],
  ['"x" has the unknown dtype [ [ [Array] ] ]', text(`{"x":{"dtype":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`)],
];
for (const [i, [message, raw]] of REFUSED.entries()) {
  test(`refused, ${i + 1}: ${message}`, (t) => {
    const path = write(t, raw);
    t.throws(() => SafetensorsFile.open(path), {
      instanceOf: CheckpointError,
      message: `${path}: not a valid safetensors file: ${message}`,
    });
  });
}

test('a Git LFS pointer in place of a file is called that', (t) => {
  const path = join(temporaryFolder(t), 'model.safetensors');
  writeFileSync(path, `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`);
  t.throws(() => SafetensorsFile.open(path), {
    instanceOf: CheckpointError,
    message: `${path}: not a valid safetensors file: ${lfsPointer(readFileSync(path))}`,
  });
});

test('a file too short for the length of its header is refused', (t) => {
  const path = join(temporaryFolder(t), 'short.safetensors');
  for (const length of [0, 1, 7]) {
    writeFileSync(path, Buffer.alloc(length));
    const problem = `it has ${length} bytes, and the header's length alone takes 8`;
    t.throws(() => SafetensorsFile.open(path), {
      instanceOf: CheckpointError,
      message: `${path}: not a valid safetensors file: ${problem}`,
    });
  }
});

test('a path that is missing or a folder is refused', (t) => {
  const folder = temporaryFolder(t);
  const missing = join(folder, 'missing.safetensors');
  const error = t.throws(() => SafetensorsFile.open(missing), {
    instanceOf: CheckpointError,
    message: `cannot open ${missing} (ENOENT)`,
  });
  t.like(error.cause, { code: 'ENOENT', syscall: 'open' });
  t.throws(() => SafetensorsFile.open(folder), {
    instanceOf: CheckpointError,
    message: `${folder}: not a valid safetensors file: it is not a regular file`,
  });
});

test('a missing tensor cannot be read', (t) => {
  const file = closing(t, SafetensorsFile.open(write(t, { header: { x: WHOLE } })));
  for (const name of ['y', '__metadata__', 'toString']) {
    const message = `${file.path}: there is no tensor "${name}"`;
    t.throws(() => file.read(name), { instanceOf: CheckpointError, message });
    t.throws(() => file.readInto(name, 0, new Uint8Array(1)), { instanceOf: CheckpointError, message });
  }
});

test('no bytes outside a tensor can be read through it', (t) => {
  const header = { a: entry(0, 8), b: entry(8, 16) };
  const file = closing(t, SafetensorsFile.open(write(t, { header })));
  for (const [name, offset] of [
    ['a', 5],
    ['b', 5],
    ['b', -1],
    ['a', 9],
  ] as const) {
    t.throws(() => file.readInto(name, offset, new Uint8Array(4)), {
      instanceOf: CheckpointError,
      message: `${file.path}: tensor "${name}" has 8 bytes; cannot read 4 at ${offset}`,
    });
  }
  t.notThrows(() => file.readInto('a', 4, new Uint8Array(4)));
});

test('a file that shrinks after it was opened is refused', (t) => {
  const path = write(t, { header: { x: WHOLE } });
  const file = closing(t, SafetensorsFile.open(path));
  const end = file.tensors.get('x')!.end - 1;
  truncateSync(path, end);
  const message = `${path}: ends at ${end}; it changed while being read`;
  t.throws(() => file.read('x'), { instanceOf: CheckpointError, message });
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
