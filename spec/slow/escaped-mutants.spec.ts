import { fileURLToPath } from 'node:url';
import test from 'ava';
import { ESCAPED_MUTANTS } from '../support/mutants/escaped-mutants.ts';
import { ESCAPED_OUTER_MUTANTS } from '../support/mutants/escaped-outer-mutants.ts';
import { SourceCopy } from '../support/mutants/random/source-copy.ts';

/** ms; each spec takes a few seconds. */
const LIMIT = 180_000;

const MUTANTS = [...ESCAPED_MUTANTS, ...ESCAPED_OUTER_MUTANTS];
const copy = new SourceCopy(fileURLToPath(new URL('../..', import.meta.url)), new AbortController().signal);
test.after.always(() => copy.remove());

test.before('the specs are green without a bug', async (t) => {
  t.timeout(600_000);
  t.true(await copy.buildKernels());
  t.is(await copy.test([...new Set(MUTANTS.map(({ spec }) => spec))], 4 * LIMIT), 'green');
});

for (const { name, file, find, replace, spec } of MUTANTS) {
  test.serial(`a bug that had escaped is seen by ${spec}: ${name}`, async (t) => {
    t.timeout(600_000);
    const begin = copy.read(file).indexOf(find);
    const edit = {
      file,
      begin,
      end: begin + find.length,
      before: find,
      after: replace,
      kind: 'order',
    } as const;
    const isCompiled = file.includes('/assembly/');
    await copy.withEdit(edit, async () => {
      if (isCompiled) t.true(await copy.buildKernels(), 'the kernels are compiled');
      t.not(await copy.test([spec], LIMIT), 'green');
    });
    if (isCompiled) t.true(await copy.buildKernels());
  });
}
