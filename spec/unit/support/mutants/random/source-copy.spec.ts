import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { trackResources } from '../../../../support/processes/cleanup.ts';
import { copyOf, projectOf } from './project.ts';

trackResources(test);

/** In place of AVA: green if the source says so, and without end if it says that. */
const RUNNER = `
const { readFileSync } = require('node:fs');
const [flag, ...specs] = process.argv.slice(2);
if (flag !== '--fail-fast' || specs.join() !== 'x.spec.ts') process.exit(3);
const text = readFileSync('a.ts', 'utf8');
if (text.includes('endless')) setInterval(() => {}, 1000);
else process.exitCode = text.includes('good') ? 0 : 1;
`;
const PROJECT = { 'a.ts': 'good < 1', 'src/b.ts': '', 'node_modules/.bin/ava': RUNNER };
const LIMIT = 20_000;
const edit = (after: string) =>
  ({ file: 'a.ts', kind: 'order', begin: 0, end: 4, before: 'good', after }) as const;

test('a copy has what the repository would have, and the packages', (t) => {
  const root = projectOf(t, { ...PROJECT, 'ignored.log': '', '.gitignore': '*.log\nnode_modules\n' });
  const copy = copyOf(t, root);
  t.deepEqual(readdirSync(copy.root).sort(), ['.gitignore', 'a.ts', 'node_modules', 'src']);
  t.true(existsSync(join(copy.root, 'node_modules/.bin/ava')));
  t.is(copy.read('a.ts'), 'good < 1');
  copy.remove();
  t.false(existsSync(copy.root));
  t.true(
    existsSync(join(root, 'node_modules/.bin/ava')),
    'the packages are not removed with the link to them',
  );
});

test('specs are green or red by their exit code, with an edit in place for as long as its task takes', async (t) => {
  const root = projectOf(t, PROJECT);
  const copy = copyOf(t, root);
  const outcome = () => copy.test(['x.spec.ts'], LIMIT);
  t.is(await outcome(), 'green');
  t.is(await copy.withEdit(edit('bad'), outcome), 'red');
  await t.throwsAsync(
    copy.withEdit(edit('bad'), () => Promise.reject(new Error('of the task'))),
    {
      message: 'of the task',
    },
  );
  t.is(copy.read('a.ts'), 'good < 1');
  t.is(await outcome(), 'green');
  t.is(readFileSync(join(root, 'a.ts'), 'utf8'), 'good < 1');
});

test('specs that do not end are out of time', async (t) => {
  const copy = copyOf(t, projectOf(t, PROJECT));
  t.is(await copy.withEdit(edit('endless'), () => copy.test(['x.spec.ts'], 500)), 'out of time');
});

test('a signal ends what runs, and nothing is run after it', async (t) => {
  const controller = new AbortController();
  const root = projectOf(t, PROJECT);
  const copy = copyOf(t, root, controller.signal);
  const reason = new Error('Ctrl-C');
  const running = copy.withEdit(edit('endless'), () => {
    const outcome = copy.test(['x.spec.ts'], LIMIT);
    controller.abort(reason);
    return outcome;
  });
  t.is(await t.throwsAsync(running), reason);
  t.true(copy.isEnded);
  t.is(copy.read('a.ts'), 'good < 1', 'the edit is taken back');
  t.is(await t.throwsAsync(async () => copy.test(['x.spec.ts'], LIMIT)), reason);
});

test('the edits of several sources are found in one go; a source that is not there is an error', (t) => {
  const copy = copyOf(t, projectOf(t, PROJECT));
  writeFileSync(join(copy.root, 'src/b.ts'), 'export const b = 1 + 2;\n');
  t.deepEqual(
    copy.edits(['a.ts', 'src/b.ts']).map(({ file, before }) => `${file} ${before}`),
    ['a.ts <', 'a.ts 1', 'src/b.ts +', 'src/b.ts 1', 'src/b.ts 2'],
  );
  t.throws(() => copy.edits(['c.ts']), { instanceOf: RangeError, message: 'cannot parse c.ts' });
  t.deepEqual(readdirSync(copy.root).sort(), ['.gitignore', 'a.ts', 'node_modules', 'src']);
});
