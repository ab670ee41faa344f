import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Command } from 'commander';
import { join as joinWords } from 'shlex';
import { UsageError } from '../../../engine/errors.ts';
import { NoAnswerError, SubjectError } from '../../../verify/errors.ts';
import {
  adapterOf,
  addSubjectFlags,
  nameOf,
  openSubject,
  type SubjectFlags,
} from '../../../verify/subject-flags.ts';
import { misbehaving } from '../../support/adapters/misbehaving-command.ts';
import { closing, temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';
import { fakeServed } from '../../support/servers/fake-served.ts';
import { silent } from '../../support/servers/faults.ts';
import { LoopbackServer } from '../../support/servers/loopback-server.ts';
import { vllmRoutes } from '../../support/servers/vllm.ts';

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
  for (const hidden of ['HTTPS://me:a@b@host/', 'https://me@host/']) {
    t.is(nameOf({ url: hidden }).toLowerCase(), 'https://host/');
  }
});

test('two engines, and flags of a server without one, are wrong usage', async (t) => {
  await t.throwsAsync(open({ module: 'a.ts', url: 'http://x' }), {
    instanceOf: UsageError,
    message: 'give one engine; --module and --url name several',
  });
  await t.throwsAsync(open({ module: 'a.ts', apiKeyEnv: 'KEY' }), {
    instanceOf: UsageError,
    message: 'give the --url of the server that --api-key-env describe',
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
  await t.throwsAsync(open(flags, { KEY: '' }), { instanceOf: UsageError });
  const { adapter } = await open(flags, { KEY: 'secret' });
  t.is(adapter, '--url http://127.0.0.1:9');
});

test('a server is asked as the flags say', async (t) => {
  const server = closing(t, await LoopbackServer.start(vllmRoutes(fakeServed())));
  const notes: string[] = [];
  const serverOf = (flags: SubjectFlags, ending = signal) =>
    openSubject(
      { url: server.url, ...flags },
      { model: 'dense', cases: [], signal: ending, env: { KEY: 'k' }, onNote: (note) => notes.push(note) },
    );
  const { subject } = await serverOf({ api: 'vllm', servedModel: 'fake', apiKeyEnv: 'KEY', concurrency: 3 });
  const model = closing(t, await subject.load(''));
  t.is(model.capabilities.maxConcurrency, 3);
  t.is(notes.length, 2);
  t.deepEqual([...new Set(server.requests.map(({ authorization }) => authorization))], ['Bearer k']);
  const reason = new Error('Ctrl-C');
  const stopped = await serverOf({}, AbortSignal.abort(reason));
  t.is(await t.throwsAsync(stopped.subject.load('')), reason);
  server.faults = [silent];
  const late = await serverOf({ api: 'vllm', timeout: 50 });
  await t.throwsAsync(late.subject.load(''), { message: /no answer after 0\.05 s/ });
  const other = await serverOf({ servedModel: 'other', api: 'openai' });
  server.faults = [];
  await t.throwsAsync(other.subject.load(''), { message: /other does not exist/ });
});

test('a program has the time that the flags give it, ends at the signal, and when it is closed', async (t) => {
  const command = joinWords(misbehaving('honest'));
  const reason = new Error('Ctrl-C');
  const stopped = openSubject({ command }, { model: '', cases: [], signal: AbortSignal.abort(reason) });
  t.is(await t.throwsAsync(stopped), reason);
  const { subject, close } = await open({ command, timeout: 30_003 });
  t.is(subject.info.name, 'fake');
  // A program that is left behind would be found by trackResources.
  await close();
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
    ['--concurrency', '10000'],
    ['--api', 'grpc'],
  ]) {
    t.throws(() => parse(...argv), undefined, argv.join(' '));
  }
  t.is(parse('--timeout', '2147483').timeout, 2147483000);
  t.is(parse('--timeout', '2147483.647').timeout, 2 ** 31 - 1);
  t.is(parse('--concurrency', '9999').concurrency, 9999);
  t.is(parse('--timeout', '1.001').timeout, 1001, 'signals take whole milliseconds');
  t.is(parse('--timeout', '0.0001').timeout, 1);
});
