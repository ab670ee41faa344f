import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { specCount, specFiles, startedFiles } from '../../../support/ava/spec-files.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

const ROOT = join(import.meta.dirname, '../../../..');

/** A repository whose folder `spec/unit/b` has an `all.ts` of its own, unlike `spec/unit/a`. */
function repository(t: ExecutionContext): string {
  const root = temporaryFolder(t);
  const unit = ['all.ts', 'x.spec.ts', 'a/y.spec.ts', 'a/y.ts', 'b/all.ts', 'b/z.spec.ts'];
  for (const file of [...unit.map((name) => `unit/${name}`), 'golden/w.spec.ts']) {
    mkdirSync(join(root, 'spec', dirname(file)), { recursive: true });
    writeFileSync(join(root, 'spec', file), '');
  }
  return root;
}

test('a folder’s all.ts runs its specs, and those of folders in it that have none', (t) => {
  const unit = join(repository(t), 'spec/unit');
  t.deepEqual(specFiles(unit), [join(unit, 'a/y.spec.ts'), join(unit, 'x.spec.ts')]);
  t.is(specCount(join(unit, 'all.ts')), 2);
  t.is(specCount(join(unit, 'x.spec.ts')), 1);
});

test('folders are run by the all.ts in them, and single files alone', (t) => {
  const root = repository(t);
  const [all, x, y] = ['spec/unit/all.ts', 'spec/unit/x.spec.ts', 'spec/unit/a/y.spec.ts'];
  const [allOfB, z, w] = ['spec/unit/b/all.ts', 'spec/unit/b/z.spec.ts', 'spec/golden/w.spec.ts'];
  for (const [args, expected] of [
    [[], [all, allOfB, w]],
    [['--serial'], [all, allOfB, w]],
    [['spec/unit/**'], [all, allOfB, w]],
    [
      ['spec/unit', 'spec/golden'],
      [all, allOfB, w],
    ],
    [
      ['spec/{unit,golden}/**', 'spec/unit/b/**'],
      [all, allOfB, w],
    ],
    [['spec/unit/b/**'], [allOfB, x, y, w]],
    [['spec/unit/a/**'], [x, y, z, w]],
    [['spec/unit/b/z.spec.ts'], [x, y, z, w]],
    [
      ['spec/unit/b/z.spec.ts:3', 'spec/unit/**'],
      [x, y, z, w],
    ],
    [
      ['--match', '*z*'],
      [x, y, z, w],
    ],
  ] as const) {
    t.deepEqual(startedFiles(root, args).sort(), [...expected].sort(), args.join(' '));
  }
});

test('each spec of the repository is run once, and each unit spec shares its process', (t) => {
  const started = startedFiles(ROOT, []);
  const alone = started.filter((file) => file.endsWith('.spec.ts'));
  const shared = started.filter((file) => file.endsWith('all.ts'));
  const run = [
    ...alone.map((file) => join(ROOT, file)),
    ...shared.flatMap((file) => specFiles(join(ROOT, dirname(file)))),
  ];
  const specs = startedFiles(ROOT, ['spec/unit/layout.spec.ts']).map((file) => join(ROOT, file));
  t.deepEqual(run.sort(), specs.sort());
  t.deepEqual(
    alone.filter((file) => file.startsWith('spec/unit/')),
    [],
  );
});
