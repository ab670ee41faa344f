import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { outputTarget } from '../../../../engine/terminal/output-target.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

/** Writes as the callers do. */
function write(path: string, text: string): void {
  const target = outputTarget(path);
  writeFileSync(target.path, text);
  target.commit();
  target.discard();
}

test('a regular file is replaced when it is committed, and kept when it is discarded', (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'a');
  write(path, 'old');
  const target = outputTarget(path);
  writeFileSync(target.path, 'new');
  t.is(readFileSync(path, 'utf8'), 'old');
  target.discard();
  t.deepEqual([readFileSync(path, 'utf8'), readdirSync(folder)], ['old', ['a']]);
  write(path, 'new');
  t.deepEqual([readFileSync(path, 'utf8'), readdirSync(folder)], ['new', ['a']]);
});

test('a link stays a link, and what it points at is replaced or made', (t) => {
  const folder = temporaryFolder(t);
  const [file, link, chain, dangling] = ['file', 'link', 'chain', 'dangling'].map((name) =>
    join(folder, name),
  );
  mkdirSync(join(folder, 'sub'));
  writeFileSync(file, 'old');
  symlinkSync('file', link);
  symlinkSync('link', chain);
  symlinkSync(join('sub', 'none'), dangling);
  write(chain, 'new');
  write(dangling, 'made');
  t.is(readFileSync(file, 'utf8'), 'new');
  t.is(readFileSync(join(folder, 'sub', 'none'), 'utf8'), 'made');
  for (const path of [link, chain, dangling]) t.true(lstatSync(path).isSymbolicLink(), path);
  t.deepEqual(readdirSync(folder).sort(), ['chain', 'dangling', 'file', 'link', 'sub']);
});

/**
 * A device of Linux. Root gets one of its own: a fault of the code under test would replace the machine's.
 *
 * @returns undefined where root may make none, as in some containers.
 */
function deviceOf(t: ExecutionContext, name: string, minor: number): string | undefined {
  if (process.getuid?.() !== 0) return `/dev/${name}`;
  const path = join(temporaryFolder(t), name);
  try {
    execFileSync('mknod', [path, 'c', '1', String(minor)], { stdio: 'pipe' });
    closeSync(openSync(path, 'r'));
    return path;
  } catch (error) {
    t.log(`no device to write to: ${(error as Error).message}`);
    return undefined;
  }
}

test('two that write one file do not write to one place', (t) => {
  const path = join(temporaryFolder(t), 'a');
  const [first, second] = [outputTarget(path), outputTarget(path)];
  writeFileSync(first.path, 'first');
  writeFileSync(second.path, 'second');
  first.commit();
  t.is(readFileSync(path, 'utf8'), 'first');
  second.commit();
  t.is(readFileSync(path, 'utf8'), 'second');
  for (const target of [first, second]) target.discard();
});

test('a link that cannot be followed is an error', (t) => {
  const path = join(temporaryFolder(t), 'loop');
  symlinkSync('loop', path);
  t.throws(() => outputTarget(path), { code: 'ELOOP' });
});

test('a device is written to, and stays a device', (t) => {
  const [empty, full] = [deviceOf(t, 'null', 3), deviceOf(t, 'full', 7)];
  if (empty === undefined || full === undefined) return t.pass();
  write(empty, 'text');
  t.true(lstatSync(empty).isCharacterDevice());
  t.throws(() => write(full, 'text'), { code: 'ENOSPC' });
  t.true(lstatSync(full).isCharacterDevice());
});

for (const path of ['/dev/stdout', '/dev/fd/1']) {
  test(`a pipe behind ${path} is written to`, (t) => {
    const module = import.meta.resolve('../../../../engine/terminal/output-target.ts');
    const program = `
      import { writeFileSync } from 'node:fs';
      const { outputTarget } = await import(${JSON.stringify(module)});
      const target = outputTarget('${path}');
      writeFileSync(target.path, 'text');
      target.commit();`;
    const argv = ['-c', '"$0" --input-type=module -e "$1" | cat', process.execPath, program];
    t.is(execFileSync('sh', argv, { encoding: 'utf8' }), 'text');
  });
}

test('the reader of a named pipe gets what is written', async (t) => {
  const path = join(temporaryFolder(t), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => reader.kill('SIGKILL'));
  write(path, 'text');
  const [chunk] = await once(reader.stdout, 'data');
  t.is(String(chunk), 'text');
  t.true(lstatSync(path).isFIFO());
});
