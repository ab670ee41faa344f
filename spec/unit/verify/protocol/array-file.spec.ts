import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { SubjectError } from '../../../../verify/errors.ts';
import { openArrayFile, tensorNames } from '../../../../verify/protocol/array-file.ts';
import { npyFile } from '../../../support/adapters/npy.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const floats = Float32Array.of(1, 2, 3, 4, 5, 6);
const integers = Int32Array.of(7, 8);
const tensors = new Map([
  ['logits', { dtype: 'F32', shape: [2, 3], data: floats }],
  ['ids', { dtype: 'I32', shape: [2], data: integers }],
]);

test('an array is read from a .npy file', (t) => {
  const path = join(temporaryFolder(t), 'a.npy');
  writeFileSync(path, npyFile(floats, { descr: '<f4', shape: '(2, 3)' }));
  const file = openArrayFile(path);
  t.deepEqual(file.shape, [2, 3]);
  t.deepEqual(file.floats(), floats);
  t.throws(() => file.integers(), {
    instanceOf: SubjectError,
    message: `${path}: has elements F32; expected integers, I32 or I64`,
  });
});

test('a tensor is read from a .safetensors file, by its name or as the only one', (t) => {
  const path = join(temporaryFolder(t), 'a.safetensors');
  writeSafetensors(path, tensors);
  t.deepEqual(tensorNames(path).sort(), ['ids', 'logits']);
  t.deepEqual(openArrayFile(path, 'logits').floats(), floats);
  t.deepEqual(openArrayFile(path, 'ids').integers(), integers);
  t.throws(() => openArrayFile(path, 'hidden'), {
    instanceOf: SubjectError,
    message: /tensor "hidden": has the tensors .*; expected hidden$/,
  });
  t.throws(() => openArrayFile(path), { message: /has the tensors .*; expected exactly one$/ });
  const only = join(temporaryFolder(t), 'b.safetensors');
  writeSafetensors(only, new Map([['x', tensors.get('ids')!]]));
  t.deepEqual(openArrayFile(only).integers(), integers);
});

test('a file that is missing, cut off, too long or of another kind is refused with its path', (t) => {
  const folder = temporaryFolder(t);
  const npy = npyFile(floats, { descr: '<f4', shape: '(2, 3)' });
  const write = (name: string, content: Buffer) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const u8 = join(folder, 'u8.safetensors');
  writeSafetensors(u8, new Map([['x', { dtype: 'U8', shape: [1], data: new Uint8Array(1) }]]));
  const cut = join(folder, 'cut.safetensors');
  writeSafetensors(cut, tensors);
  truncateSync(cut, 40);
  for (const [path, message] of [
    [join(folder, 'none.npy'), /none\.npy: cannot be read \(ENOENT\)/],
    [join(folder, 'none.safetensors'), /none\.safetensors: cannot be opened \(ENOENT\)/],
    [write('a.bin', npy), /a\.bin: expected a file whose name ends in \.npy or \.safetensors/],
    [write('short.npy', npy.subarray(0, -1)), /short\.npy: has 23 bytes of elements; F32 \[2, 3\] takes 24/],
    [write('long.npy', Buffer.concat([npy, npy])), /has 176 bytes of elements; F32 \[2, 3\] takes 24/],
    [write('tiny.npy', npy.subarray(0, 5)), /tiny\.npy: ends after 5 bytes; it is truncated/],
    [write('half.npy', npy.subarray(0, 50)), /half\.npy: ends after 50 bytes; it is truncated/],
    [
      write('huge.npy', npyFile(floats, { descr: '<f4', shape: '(99999, 99999)' })),
      /has 24 bytes of elements; F32 \[99999, 99999\] takes 39999200004/,
    ],
    [u8, /u8\.safetensors: has elements U8; expected F16, BF16, F32/],
    [cut, /cut\.safetensors: not a valid safetensors file/],
  ] as const) {
    t.throws(() => openArrayFile(path), { instanceOf: SubjectError, message });
  }
  t.throws(() => openArrayFile(write('b.npy', npy), 'logits'), {
    message: /a \.npy file has no named tensors/,
  });
  t.throws(() => tensorNames(cut), { instanceOf: SubjectError });
});

test('an array that would not fit the memory is refused before it is read', (t) => {
  const path = join(temporaryFolder(t), 'a.npy');
  const header = npyFile(new Float32Array(0), { descr: '<f8', shape: '(268435457,)' });
  writeFileSync(path, header);
  truncateSync(path, header.length + 268435457 * 8);
  t.throws(() => openArrayFile(path), {
    instanceOf: SubjectError,
    message: /takes 2147483656 bytes; at most 2147483648 are read/,
  });
});
