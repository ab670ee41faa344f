import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadModule, loadSubject } from '../../../../verify/adapters/module.ts';
import { SubjectError } from '../../../../verify/errors.ts';
import { temporaryFolder } from '../../../support/processes/cleanup.ts';

const moduleOf = (t: ExecutionContext, text: string, name = 'adapter.ts') => {
  const path = join(temporaryFolder(t), name);
  writeFileSync(path, text);
  return path;
};

test('a module, .ts or .js, gives the subject that it exports, by an absolute or a relative path', async (t) => {
  const typed = moduleOf(
    t,
    "export default { info: { name: 'mine' as string }, load: async (dir: string) => dir };",
  );
  t.is((await loadModule(typed)).info.name, 'mine');
  const plain = moduleOf(t, "export default { info: { name: 'plain' }, load() {} };", 'adapter.mjs');
  t.is((await loadModule(relative(process.cwd(), plain))).info.name, 'plain');
});

test('a module that exports no subject is refused with what it exports and what is expected', async (t) => {
  for (const [text, found] of [
    ['export const subject = {};', 'no default export'],
    ['export default 7;', 'a default export of type number'],
    ["export default { name: 'of an older form', load() {} };", 'a default export of type object'],
    ["export default { info: { name: 'mine' } };", 'a default export of type object'],
  ]) {
    const path = moduleOf(t, text);
    const error = await t.throwsAsync(loadModule(path), { instanceOf: SubjectError });
    t.true(
      error.message.startsWith(`${path}: has ${found}; expected a subject, { info: { name }`),
      error.message,
    );
  }
});

test('a module that is missing or throws is refused with its path and the reason', async (t) => {
  await t.throwsAsync(loadModule('/no/such/adapter.ts'), {
    instanceOf: SubjectError,
    message: /^cannot import \/no\/such\/adapter\.ts: Cannot find module/,
  });
  const path = moduleOf(t, "throw new Error('out of memory');");
  await t.throwsAsync(loadModule(path), {
    instanceOf: SubjectError,
    message: /cannot import .*: out of memory$/,
  });
});

test('a module whose load throws is refused with its path, the model and the reason', async (t) => {
  const path = moduleOf(
    t,
    "export default { info: { name: 'mine' }, load: async (dir: string) => { throw new Error('no ' + dir); } };",
  );
  const subject = await loadModule(path);
  for (const [dir, what] of [
    ['/models/a', '/models/a: no /models/a'],
    ['', 'without --model: no '],
  ]) {
    const message = `${path}: cannot load ${what}`;
    await t.throwsAsync(async () => subject.load(dir), { instanceOf: SubjectError, message });
  }
});

test('a module may be reached before it is loaded, and errors that say whose fault they are stay as they are', async (t) => {
  const kinds = ['SubjectError', 'NoAnswerError', 'NotSupportedError'];
  const errors = new URL('../../../../verify/errors.ts', import.meta.url).href;
  const path = moduleOf(
    t,
    `import * as errors from '${errors}';
     const fail = (call: string) => async (dir: string): Promise<never> => {
       throw new (errors[dir as 'SubjectError'] ?? Error)(call + ' of ' + dir);
     };
     export default { info: { name: 'mine' }, reach: fail('reach'), load: fail('load') };`,
  );
  const subject = await loadModule(path);
  for (const call of ['load', 'reach'] as const) {
    const asked = async (dir: string) => await subject[call]!(dir);
    for (const name of kinds) await t.throwsAsync(asked(name), { name, message: `${call} of ${name}` });
    await t.throwsAsync(asked('/m'), {
      instanceOf: SubjectError,
      message: `${path}: cannot load /m: ${call} of /m`,
    });
  }
  const without = moduleOf(t, "export default { info: { name: 'mine' }, load() {} };", 'other.ts');
  t.is((await loadModule(without)).reach, undefined);
});

test('the name and version of a module are those that it has at the time, also after it is loaded', async (t) => {
  const path = moduleOf(
    t,
    `export default {
       info: { name: 'mine' } as object,
       async load() { this.info = { name: 'mine on cpu:0', version: '2.1' }; },
     };`,
  );
  const subject = await loadModule(path);
  t.deepEqual(subject.info, { name: 'mine' });
  await subject.load('/models/a');
  t.deepEqual(subject.info, { name: 'mine on cpu:0', version: '2.1' });
});

test('without a path the subject is our own engine', async (t) => {
  t.is((await loadSubject('')).info.name, 'plumbline');
});
