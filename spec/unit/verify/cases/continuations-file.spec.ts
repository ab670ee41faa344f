import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readContinuations, writeContinuations } from '../../../../verify/cases/continuations-file.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

test('continuations are read as they were written', (t) => {
  const path = join(temporaryFolder(t), 'kept.json');
  t.is(readContinuations(path), undefined);
  writeContinuations(path, [[1, 2], []]);
  t.deepEqual(readContinuations(path), [[1, 2], []]);
});

test('a file of something else has no continuations', (t) => {
  const path = join(temporaryFolder(t), 'kept.json');
  for (const text of ['', '{"tokens": [[1', '{"tokens": [[-1]]}', '{"tokens": [1]}', '[]']) {
    writeFileSync(path, text);
    t.is(readContinuations(path), undefined, text);
  }
});
