import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SafetensorsFile } from '../../../../engine/checkpoint/safetensors.ts';
import {
  type LateTensorData,
  safetensorsLayout,
  type TensorData,
  writeSafetensors,
  writingSafetensors,
} from '../../../../engine/checkpoint/safetensors-writer.ts';
import { CheckpointError, FileError } from '../../../../engine/errors.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { transferAtMost } from '../../../support/processes/short-transfers.ts';

trackResources(test);

const tensor = (dtype: string, shape: number[], data: ArrayBufferView): TensorData => ({
  dtype,
  shape,
  data,
});

test('the bytes are those of the format: length, padded header, data from a multiple of 8 on', (t) => {
  const folder = temporaryFolder(t);
  for (let length = 1; length <= 8; length++) {
    const [path, name] = [join(folder, `${length}.safetensors`), 'a'.repeat(length)];
    writeSafetensors(path, new Map([[name, tensor('U8', [3], Uint8Array.of(1, 2, 3))]]), { format: 'pt' });
    const bytes = readFileSync(path);
    const entry = `"${name}":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}`;
    const json = `{"__metadata__":{"format":"pt"},${entry}}`;
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8);
    t.is(bytes.readBigUInt64LE(), BigInt(padded.length));
    t.is(bytes.toString('utf8', 8, 8 + padded.length), padded);
    t.deepEqual([...bytes.subarray(8 + padded.length)], [1, 2, 3]);
  }
});

test('tensors stand in the order of the reference implementation: widest dtype first, then by name', (t) => {
  const path = join(temporaryFolder(t), 'x.safetensors');
  const tensors = new Map([
    ['b', tensor('U8', [1], Uint8Array.of(1))],
    ['B', tensor('U8', [1], Uint8Array.of(3))],
    ['z', tensor('F32', [1], Float32Array.of(1))],
    ['a', tensor('U8', [1], Uint8Array.of(2))],
    ['y', tensor('F64', [], Float64Array.of(1))],
  ]);
  writeSafetensors(path, tensors);
  const bytes = readFileSync(path);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE())));
  t.deepEqual(Object.keys(header), ['y', 'z', 'B', 'a', 'b']);
  t.deepEqual(header.b.data_offsets, [14, 15]);
});

test('bytes are written and read whole, however few the system takes in a call', (t) => {
  const path = join(temporaryFolder(t), 'x.safetensors');
  const data = Uint8Array.from({ length: 50 }, (_, i) => i);
  const restore = transferAtMost(7);
  t.teardown(restore);
  writeSafetensors(path, new Map([['a', tensor('U8', [50], data)]]));
  const file = closing(t, SafetensorsFile.open(path));
  t.deepEqual(file.read('a'), data);
  const part = new Uint8Array(20);
  file.readInto('a', 5, part);
  t.deepEqual(part, data.slice(5, 25));
  const end = file.tensors.get('a')!.begin + 11;
  truncateSync(path, end);
  const message = `${path}: ends at ${end}; it changed while being read`;
  t.throws(() => file.read('a'), { instanceOf: CheckpointError, message });
});

test("only a view's own part of its buffer is written", (t) => {
  const path = join(temporaryFolder(t), 'x.safetensors');
  const view = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);
  writeSafetensors(path, new Map([['a', tensor('U8', [2], view)]]));
  t.deepEqual([...readFileSync(path).subarray(-2)], [1, 2]);
});

test('a tensor that the format cannot hold is refused, and an existing file stays', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'x.safetensors');
  writeFileSync(path, 'before');
  const cases: [string, TensorData, string][] = [
    ['a', tensor('F32', [3], Float32Array.of(1, 2)), 'tensor "a": F32 [3] takes 12 bytes; found 8'],
    ['a', tensor('F31', [1], Uint8Array.of(1)), 'tensor "a" has the unknown dtype "F31"'],
    [
      '__metadata__',
      tensor('U8', [1], Uint8Array.of(1)),
      'the format reserves the name "__metadata__"; give the tensor another',
    ],
  ];
  // Comes first in the file, and is not made for a file that cannot be written.
  const late: LateTensorData = { dtype: 'F64', shape: [1], data: () => t.fail('was called') as never };
  for (const [name, data, message] of cases) {
    const write = () => writeSafetensors(path, new Map([['0', late]]).set(name, data));
    t.throws(write, { instanceOf: CheckpointError, message });
  }
  t.deepEqual(readdirSync(folder), ['x.safetensors']);
  t.is(readFileSync(path, 'utf8'), 'before');
});

test('a file that cannot be written is a FileError, and nothing is left behind', (t) => {
  const parent = temporaryFolder(t);
  const folder = join(parent, 'folder');
  mkdirSync(folder);
  const missing = join(folder, 'missing', 'x.safetensors');
  const message = `cannot write ${missing} (ENOENT)`;
  const error = t.throws(() => writeSafetensors(missing, new Map()), { instanceOf: FileError, message });
  t.like(error.cause, { code: 'ENOENT', syscall: 'open' });
  // A folder is in the way when the finished file gets its name.
  t.throws(() => writeSafetensors(folder, new Map()), { instanceOf: FileError, message: /EISDIR|ENOTEMPTY/ });
  t.deepEqual(readdirSync(parent), ['folder']);
});

test('a function that makes bytes is called after all bytes before them are written; the file is the same', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'x.safetensors');
  const written: number[] = [];
  const late = (value: number): LateTensorData => ({
    dtype: 'U8',
    shape: [100],
    data() {
      written.push(statSync(join(folder, readdirSync(folder)[0])).size);
      return new Uint8Array(100).fill(value);
    },
  });
  writeSafetensors(path, new Map(['b', 'c', 'a'].map((name, i) => [name, late([2, 3, 1][i])])));
  const header = readFileSync(path).length - 300;
  t.deepEqual(written, [header, header + 100, header + 200]);
  const atOnce = [1, 2, 3].map((value) => tensor('U8', [100], new Uint8Array(100).fill(value)));
  const same = join(folder, 'same.safetensors');
  writeSafetensors(same, new Map(atOnce.map((data, i) => ['abc'[i], data])));
  t.deepEqual(readFileSync(path), readFileSync(same));
});

test('a function that makes too few bytes, or throws, ends the writing; its error comes through', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'x.safetensors');
  const write = (data: () => ArrayBufferView) =>
    writeSafetensors(path, new Map([['a', { dtype: 'F32', shape: [3], data }]]));
  t.throws(() => write(() => Float32Array.of(1, 2)), {
    instanceOf: CheckpointError,
    message: 'tensor "a": F32 [3] takes 12 bytes; found 8',
  });
  // Node's own errors have a code as well.
  const reason = Object.assign(new RangeError('no more memory'), { code: 'ERR_OUT_OF_RANGE' });
  const error = t.throws(() =>
    write(() => {
      throw reason;
    }),
  );
  t.is(error, reason);
  t.deepEqual(readdirSync(folder), []);
});

test('a write in steps yields each tensor once written; ended early, it leaves nothing', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'x.safetensors');
  const tensors = new Map(['b', 'a'].map((name) => [name, tensor('U8', [1], Uint8Array.of(7))]));
  t.deepEqual([...writingSafetensors(path, tensors)], ['a', 'b']);
  t.deepEqual(readdirSync(folder), ['x.safetensors']);
  const before = readFileSync(path);
  for (const name of writingSafetensors(path, new Map([...tensors, ['c', tensors.get('a')!]]))) {
    t.is(readdirSync(folder).length, 2);
    if (name === 'b') break;
  }
  t.deepEqual(readdirSync(folder), ['x.safetensors']);
  t.deepEqual(readFileSync(path), before);
});

test('a layout has the offset of every tensor, whose bytes need not exist yet', (t) => {
  const path = join(temporaryFolder(t), 'x.safetensors');
  const tensors = new Map([
    ['b', tensor('U8', [3], Uint8Array.of(7, 8, 9))],
    ['z', tensor('F32', [2], Float32Array.of(1, 2))],
    ['a', tensor('U8', [], Uint8Array.of(5))],
  ]);
  writeSafetensors(path, tensors, { format: 'pt' });
  const file = readFileSync(path);
  const shapes = [...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }] as const);
  const layout = safetensorsLayout(new Map(shapes), { format: 'pt' });
  t.deepEqual(layout.order, ['z', 'a', 'b']);
  t.is(layout.bytes, file.length);
  t.deepEqual(Buffer.from(layout.header), file.subarray(0, layout.header.length));
  for (const [name, { data }] of tensors) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const begin = layout.begins.get(name)!;
    t.deepEqual(file.subarray(begin, begin + bytes.length), bytes, name);
  }
  t.throws(() => safetensorsLayout(new Map([['a', { dtype: 'F31', shape: [1] }]])), {
    instanceOf: CheckpointError,
    message: /unknown dtype "F31"/,
  });
});
