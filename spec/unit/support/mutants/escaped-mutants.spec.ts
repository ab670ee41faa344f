import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ESCAPED_MUTANTS } from '../../../support/mutants/escaped-mutants.ts';
import { ESCAPED_OUTER_MUTANTS } from '../../../support/mutants/escaped-outer-mutants.ts';

const ROOT = join(import.meta.dirname, '../../../..');

// What they do is tried in the slow tier; here only that the table is up to date.
test('every bug that had escaped is an edit of a source as it is now', (t) => {
  for (const { name, file, find, spec } of [...ESCAPED_MUTANTS, ...ESCAPED_OUTER_MUTANTS]) {
    const times = readFileSync(join(ROOT, file), 'utf8').split(find).length - 1;
    t.is(times, 1, `${name}: "${find}" stands ${times} times in ${file}`);
    t.true(existsSync(join(ROOT, spec)), `${name}: no ${spec}`);
  }
});
