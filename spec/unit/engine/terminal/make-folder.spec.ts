import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { makeFolder } from '../../../../engine/terminal/make-folder.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

test('a folder is made with the folders above it; one that is there is kept', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a', 'b', 'c');
  makeFolder(path);
  t.true(statSync(path).isDirectory());
  writeFileSync(join(path, 'file'), '');
  makeFolder(path);
  t.deepEqual(readdirSync(path), ['file']);
  mkdirSync(join(folder, 'target'));
  symlinkSync('target', join(folder, 'link'));
  makeFolder(join(folder, 'link'));
  makeFolder(join(folder, 'link', 'inside', 'it'));
  t.deepEqual(readdirSync(join(folder, 'target')), ['inside']);
});

test('what stands in the way is an error with its code', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('nowhere', join(folder, 'dangling'));
  t.throws(() => makeFolder(join(folder, 'file')), { code: 'EEXIST' });
  t.throws(() => makeFolder(join(folder, 'file', 'a', 'b')), { code: 'ENOTDIR' });
  t.throws(() => makeFolder(join(folder, 'dangling')), { code: 'EEXIST' });
  t.throws(() => makeFolder(join(folder, 'dangling', 'a')), { code: 'EEXIST' });
  t.throws(() => makeFolder(''), { code: 'ENOENT' });
});

/** Runs a program where /proc is the home directory. @returns null as status if it hangs. */
function runInProc(...argv: string[]) {
  const env = { ...process.env, HOME: '/proc', PLUMBLINE_CACHE: undefined, NODE_COMPILE_CACHE: undefined };
  return spawnSync(process.execPath, argv, { env, encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' });
}

// There is nothing that can be made in /proc, which says so with ENOENT: Node's `recursive` never ends there.
const inProc = process.platform === 'linux' ? test : test.skip;

inProc('where nothing can be made, making a folder ends with an error', (t) => {
  const url = new URL('../../../../engine/terminal/make-folder.ts', import.meta.url);
  const code = `import { makeFolder } from '${url}'; try { makeFolder('/proc/a/b'); } catch (e) { console.log(e.code); }`;
  const { status, stdout } = runInProc('--input-type=module', '-e', code);
  t.deepEqual({ status, stdout }, { status: 0, stdout: 'ENOENT\n' });
});

for (const command of ['engine/cli.ts', 'generator/cli.ts', 'verify/cli.ts']) {
  inProc(`${command} starts with a home directory in which nothing can be made`, (t) => {
    const { status, stderr } = runInProc(
      fileURLToPath(new URL(`../../../../${command}`, import.meta.url)),
      '--help',
    );
    t.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  });
}
