import test, { type TestFn } from 'ava';
import { Declarations } from '../../../support/ava/declarations.ts';

/** Declarations, and the calls of AVA's functions that they make. */
function collect() {
  const calls: unknown[][] = [];
  const record =
    (name: string) =>
    (...args: unknown[]) =>
      calls.push([name, ...args]);
  const ava = {
    serial: Object.assign(record('serial'), {
      only: record('only'),
      skip: record('skip'),
      failing: record('failing'),
    }),
    before: record('before'),
    after: Object.assign(record('after'), { always: record('always') }),
  };
  return { calls, declarations: new Declarations(ava as unknown as TestFn) };
}

const run = () => {};

test('tests of several files are declared at once, in order, serial, each with the name of its file', (t) => {
  const { calls, declarations } = collect();
  const shared = declarations.test;
  declarations.beginFile('a');
  shared('x', run);
  shared.only('y', run);
  declarations.beginFile('b/c');
  shared.serial('x', (_t, count: number) => t.is(count, 3), 3);
  shared.skip('y', run);
  shared.failing('z', run);
  t.deepEqual(calls, [], 'nothing is declared before all files are read');
  declarations.declareAll();
  const rows = calls.map(([name, title, , ...args]) => [name, title, ...args]);
  t.deepEqual(rows, [
    ['serial', 'a › x'],
    ['only', 'a › y'],
    ['serial', 'b/c › x', 3],
    ['skip', 'b/c › y'],
    ['failing', 'b/c › z'],
  ]);
  t.is(calls[0][2], run);
  declarations.declareAll();
  t.is(calls.length, 5, 'and each once');
});

test('a hook keeps its title, and gets its name for one if it has none', (t) => {
  const { calls, declarations } = collect();
  declarations.beginFile('a');
  declarations.test.before(run);
  declarations.test.after('the folder is removed', run);
  declarations.test.after.always(run);
  declarations.declareAll();
  t.deepEqual(calls, [
    ['before', 'a › before', run],
    ['after', 'a › the folder is removed', run],
    ['always', 'a › after.always', run],
  ]);
});

test('a hook of each test is refused: it would run for the tests of other files', (t) => {
  const { declarations } = collect();
  declarations.beginFile('a');
  t.throws(() => declarations.test.beforeEach(), {
    message: /^Call a function in each test of a instead of test.beforeEach, /,
  });
  t.throws(() => declarations.test.afterEach(), { message: /instead of test.afterEach, / });
});
