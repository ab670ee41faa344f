import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Command } from 'commander';
import { UsageError } from '../../../engine/errors.ts';
import { NoAnswerError, SubjectError } from '../../../verify/errors.ts';
import {
  adapterOf,
  addSubjectFlags,
  nameOf,
  openSubject,
  type SubjectFlags,
} from '../../../verify/subject-flags.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

const { signal } = new AbortController();
const open = (flags: SubjectFlags, env: NodeJS.ProcessEnv = {}) =>
  openSubject(flags, { model: 'dense', cases: [], signal, env });
const parse = (...argv: string[]) => {
  const command = addSubjectFlags(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return command.parse(argv, { from: 'user' }).opts<SubjectFlags>();
};

test('without a flag the engine is ours', async (t) => {
  const { subject, adapter, close } = await open({});
  t.is(subject.info.name, 'plumbline');
  t.is(adapter, 'in process');
  await close();
});

test('an engine that has not said its name is called as the flags name it', (t) => {
  t.is(nameOf({ command: './engine' }), './engine');
  t.is(adapterOf({ command: './engine' }), '--command ./engine');
  t.is(nameOf({}), 'plumbline');
  t.is(adapterOf({ timeout: 5 }), 'in process');
  const url = 'http://user:secret@127.0.0.1:9/v1';
  t.is(adapterOf({ url }), '--url http://127.0.0.1:9/v1');
  t.is(nameOf({ url }), 'http://127.0.0.1:9/v1');
});

test('two engines, and flags of a server without one, are wrong usage', async (t) => {
  await t.throwsAsync(open({ module: 'a.ts', url: 'http://x' }), {
    instanceOf: UsageError,
    message: 'give one engine; --module and --url name several',
  });
  await t.throwsAsync(open({ module: 'a.ts', api: 'vllm', servedModel: 'm' }), {
    instanceOf: UsageError,
    message: 'give the --url of the server that --api, --served-model describe',
  });
});

test('a key comes from the environment, and a variable that is not set is wrong usage', async (t) => {
  const flags = { url: 'http://127.0.0.1:9', apiKeyEnv: 'KEY' };
  await t.throwsAsync(open(flags), {
    instanceOf: UsageError,
    message: /^set the environment variable that --api-key-env names; .* is not set/,
  });
  const { adapter } = await open(flags, { KEY: 'secret' });
  t.is(adapter, '--url http://127.0.0.1:9');
});

test('a module is imported, and one that is no subject is refused', async (t) => {
  const path = join(temporaryFolder(t), 'subject.js');
  writeFileSync(path, 'export default { info: { name: "mine" }, load() {} };');
  const { subject, adapter } = await open({ module: path });
  t.is(subject.info.name, 'mine');
  t.is(adapter, `--module ${path}`);
  writeFileSync(path.replace('subject', 'other'), 'export const x = 1;');
  await t.throwsAsync(open({ module: path.replace('subject', 'other') }), { instanceOf: SubjectError });
});

test('a program that cannot be started gives no answer, and a folder that is not there is refused', async (t) => {
  await t.throwsAsync(open({ command: '/no/such/program' }), { instanceOf: NoAnswerError });
  await t.throwsAsync(open({ dump: '/no/such/folder' }), { instanceOf: SubjectError });
});

test('numbers of flags are checked while they are parsed', (t) => {
  t.like(parse('--timeout', '1.5', '--concurrency', '3', '--api', 'vllm'), {
    timeout: 1500,
    concurrency: 3,
    api: 'vllm',
  });
  for (const argv of [
    ['--timeout', '0'],
    ['--timeout', 'x'],
    ['--timeout', 'Infinity'],
    // A timer of more than 24.8 days would fire at once.
    ['--timeout', '2147484'],
    ['--concurrency', '0'],
    ['--concurrency', '1.5'],
    ['--api', 'grpc'],
  ]) {
    t.throws(() => parse(...argv), undefined, argv.join(' '));
  }
  t.is(parse('--timeout', '2147483').timeout, 2147483000);
  t.is(parse('--timeout', '1.001').timeout, 1001, 'signals take whole milliseconds');
  t.is(parse('--timeout', '0.0001').timeout, 1);
});
