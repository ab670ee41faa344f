import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { CheckpointError, FileError } from '../../../../engine/errors.ts';
import { readJsonSync } from '../../../../engine/terminal/read-json.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

test('the errors of a file that cannot be read and of one that is not JSON differ, and end with the hint', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a.json');
  for (const [hint, ending] of [
    [undefined, ''],
    ['record it again', '; record it again'],
  ] as const) {
    t.throws(() => readJsonSync(join(folder, 'none.json'), FileError, hint), {
      instanceOf: FileError,
      message: `cannot read ${join(folder, 'none.json')} (ENOENT)${ending}`,
    });
    t.throws(() => readJsonSync(folder, CheckpointError, hint), {
      instanceOf: CheckpointError,
      message: `cannot read ${folder} (EISDIR)${ending}`,
    });
    writeFileSync(path, '{"cut');
    const { message, cause } = t.throws(() => readJsonSync(path, FileError, hint), { instanceOf: FileError });
    t.is(message, `cannot read ${path} as JSON: ${(cause as Error).message}${ending}`);
  }
  writeFileSync(path, '{"whole": [1, null]}');
  t.deepEqual(readJsonSync(path, FileError), { whole: [1, null] });
});

test('a Git LFS pointer in the place of a file is named', (t) => {
  const path = join(temporaryFolder(t), 'a.json');
  writeFileSync(path, 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n');
  t.throws(() => readJsonSync(path, FileError, 'a hint'), {
    instanceOf: FileError,
    message:
      /^cannot read .*a\.json: it is a Git LFS pointer, .* run git lfs pull where the model was cloned$/,
  });
});
