import test from 'ava';
import { importModules } from '../../../../engine/terminal/import-modules.ts';

/** Stands in for a process; its exit ends the import, as the real one does. */
function fakeProcess() {
  const printed: string[] = [];
  const exit = (exitCode: number): never => {
    throw new RangeError(`exit ${exitCode}`);
  };
  return { printed, host: { stderr: { write: (text: string) => printed.push(text) }, exit } };
}

test('the modules of a command are what load imports', async (t) => {
  const { printed, host } = fakeProcess();
  t.is(await importModules('plumbline', 1, async () => 7, host), 7);
  t.deepEqual(printed, []);
});

test('where a module cannot be imported for too few files, the command says so and ends', async (t) => {
  const { printed, host } = fakeProcess();
  const load = async () => {
    throw new Error('Cannot read package config /a/package.json: too many open files.');
  };
  await t.throwsAsync(importModules('plumbline', 3, load, host), { message: 'exit 3' });
  t.deepEqual(printed, [
    'plumbline: cannot start: Cannot read package config /a/package.json: too many open files: this process may ' +
      'open no more files; raise the limit: ulimit -n\n',
  ]);
});

test('any other error of a module is thrown as it is', async (t) => {
  const { printed, host } = fakeProcess();
  const error = new SyntaxError('Unexpected token');
  t.is(await t.throwsAsync(importModules('plumbline', 1, () => Promise.reject(error), host)), error);
  t.deepEqual(printed, []);
});
