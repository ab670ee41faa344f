import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FileError } from '../../../../engine/errors.ts';
import { keep } from '../../../../verify/kept/keep.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

test('a file is kept in a folder that is made for it', (t) => {
  const path = join(temporaryFolder(t), 'new', 'a');
  keep(path, () => writeFileSync(path, 'text'));
  t.is(readFileSync(path, 'utf8'), 'text');
});

test('a file that cannot be written is not kept, and other errors are thrown', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  let calls = 0;
  t.notThrows(() => keep(join(file, 'a'), () => calls++), 'the folder is a file');
  t.is(calls, 0);
  t.notThrows(() =>
    keep(join(folder, 'a'), () => {
      throw new FileError('the disk is full');
    }),
  );
  const wrong = new TypeError('a fault of the program');
  const thrown = t.throws(() =>
    keep(join(folder, 'a'), () => {
      throw wrong;
    }),
  );
  t.is(thrown, wrong);
});
