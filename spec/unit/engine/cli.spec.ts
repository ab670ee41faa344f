import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';
import { CLI_PATH, ended, runCli, startCli } from '../../support/processes/processes.ts';

trackResources(test);

test('the command can be executed as it is', (t) => {
  t.true(readFileSync(CLI_PATH, 'utf8').startsWith('#!/usr/bin/env node\n'));
  // Windows has no such bits.
  if (process.platform !== 'win32') t.is(statSync(CLI_PATH).mode & 0o111, 0o111);
});

test('the exit code, standard output and standard error are those of the command', async (t) => {
  const { exitCode, out, err } = await runCli('--nonsense');
  t.is(exitCode, 2);
  t.is(out, '');
  t.true(err.startsWith("plumbline: unknown option '--nonsense'"), err);
});

test('a closed pipe ends the command without an error', async (t) => {
  const child = startCli(['--help']);
  child.stdout!.destroy();
  t.deepEqual(await ended(child, false), { exitCode: 0, out: '', err: '' });
});

test('an output that cannot be written is an error', async (t) => {
  const path = join(temporaryFolder(t), 'read-only');
  writeFileSync(path, '');
  const readOnly = openSync(path, 'r');
  t.teardown(() => closeSync(readOnly));
  t.deepEqual(await ended(startCli(['--help'], ['ignore', readOnly, 'pipe'])), {
    exitCode: 1,
    out: '',
    err: 'plumbline: cannot write to standard output (EBADF)\n',
  });
});
