import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { FileError } from '../../../../engine/errors.ts';
import { writeWhole } from '../../../../engine/terminal/write-whole.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

test('a file is written and replaced whole, and nothing else is left beside it', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.json');
  writeWhole(path, 'a long text');
  writeWhole(path, 'text');
  t.is(readFileSync(path, 'utf8'), 'text');
  t.deepEqual(readdirSync(folder), ['a.json']);
});

test('a file that cannot be written is an error with its path and the reason, and leaves nothing', (t) => {
  const folder = temporaryFolder(t);
  const lost = join(folder, 'none', 'a.json');
  t.throws(() => writeWhole(lost, 'text'), {
    instanceOf: FileError,
    message: `cannot write ${lost} (ENOENT)`,
  });
  const taken = join(folder, 'taken');
  mkdirSync(join(taken, 'inside'), { recursive: true });
  t.throws(() => writeWhole(taken, 'text'), { instanceOf: FileError, message: /cannot write .*taken \(E/ });
  t.deepEqual(readdirSync(folder), ['taken'], 'the text under its temporary name is removed');
});
