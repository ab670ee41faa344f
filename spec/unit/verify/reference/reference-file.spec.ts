import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { CheckpointError, FileError } from '../../../../engine/errors.ts';
import { readReference, writeReference } from '../../../../verify/reference/reference-file.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';
import { syntheticReference } from '../judge/synthetic.ts';

test('a reference that was written is read again, to the bit', (t) => {
  const path = join(temporaryFolder(t), 'reference.safetensors');
  const reference = syntheticReference({ long: 12, short: 9 });
  writeReference(path, reference);
  t.deepEqual(readReference(path), reference);
});

test('a reference without signatures is one', (t) => {
  const path = join(temporaryFolder(t), 'reference.safetensors');
  const reference = { ...syntheticReference({ long: 12 }), signatures: [] };
  writeReference(path, reference);
  t.deepEqual(readReference(path).signatures, []);
});

test('another file is refused by name', (t) => {
  const path = join(temporaryFolder(t), 'reference.safetensors');
  writeSafetensors(path, new Map(), { reference: '{"cases": 3}' });
  t.throws(() => readReference(path), {
    instanceOf: FileError,
    message: /no reference of this version; remove the file/,
  });
  writeSafetensors(path, new Map(), { reference: '{' });
  t.throws(() => readReference(path), { instanceOf: FileError, message: /malformed metadata/ });
  const cases = [{ id: 'a', ids: [1], promptLength: 1, positions: [0] }];
  writeSafetensors(path, new Map(), { reference: JSON.stringify({ cases, imitations: [], signatures: [] }) });
  t.throws(() => readReference(path), { instanceOf: FileError, message: /lacks the tensor "a\.ids"/ });
  writeFileSync(path, 'not a file of tensors');
  t.throws(() => readReference(path), { instanceOf: CheckpointError });
});
