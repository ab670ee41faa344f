import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FileError } from '../../../../engine/errors.ts';
import { readKnownFailing } from '../../../../verify/cases/known-failing.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

const written = (t: ExecutionContext, text: string) => {
  const path = join(temporaryFolder(t), 'known.txt');
  writeFileSync(path, text);
  return path;
};

test('ids are read one a line, with comments and blank lines', (t) => {
  const path = written(t, '# bf16 is not exact there\nids-one  # flips\n\nids-two\n');
  t.deepEqual([...readKnownFailing(path, ['ids-one', 'ids-two', 'ids-three'])], ['ids-one', 'ids-two']);
});

test('an id of no case is refused with its line', (t) => {
  const path = written(t, 'ids-one\nids-won\n');
  t.throws(() => readKnownFailing(path, ['ids-one']), {
    instanceOf: FileError,
    message: /line 2: there is no case "ids-won"/,
  });
});

test('a file that is not there is refused', (t) => {
  t.throws(() => readKnownFailing('/nowhere/known.txt', []), {
    instanceOf: FileError,
    message: /cannot read \S+ \(ENOENT\)/,
  });
});
