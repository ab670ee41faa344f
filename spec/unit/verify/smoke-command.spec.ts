import { EventEmitter } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Command } from 'commander';
import { Interrupted, UsageError } from '../../../engine/errors.ts';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import { defineSmoke } from '../../../verify/smoke-command.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

async function run(argv: readonly string[], signals = new EventEmitter()) {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  const texts: string[] = [];
  let exitCode = 0;
  const io = {
    stdout: { write: (text: string) => texts.push(text) },
    stderr: { write: () => {} },
    signals,
    findModel: async (name: string) => {
      const modelDir = await ensureFixture(name);
      return { name, source: 'fixture' as const, modelDir };
    },
  };
  defineSmoke(program, io, (code) => {
    exitCode = code;
  });
  await program.parseAsync(['smoke', '--model', 'dense', ...argv], { from: 'user' });
  return { exitCode, out: texts.join('') };
}

/** A module whose model is said in JavaScript. */
function moduleOf(t: ExecutionContext, model: string): string {
  const path = join(temporaryFolder(t), 'subject.js');
  writeFileSync(
    path,
    `const capabilities = { scores: 'none', hidden: false, tokenize: false, chat: false, maxConcurrency: 1 };
     const close = async () => {};
     export default { info: { name: 'mine' }, load: async () => ({ capabilities, close, ...${model} }) };`,
  );
  return path;
}

test('an engine that is right has exit code 0, and a line that asks the same', async (t) => {
  const { exitCode, out } = await run([]);
  t.is(exitCode, 0, out);
  t.is(out.match(/^right: /gm)?.length, 4);
  t.regex(out, /\nThe same requests: npx plumbline-verify smoke --model dense\n$/);
});

test('an adapter that is wrong has exit code 1, also as JSON in a file', async (t) => {
  const module = moduleOf(
    t,
    '{ generate: async () => ({ tokens: [1] }), forward: async () => ({ rows: [] }) }',
  );
  const file = join(temporaryFolder(t), 'smoke.json');
  const { exitCode, out } = await run(['--module', module, '--json', file]);
  t.is(exitCode, 1);
  t.regex(out, /^wrong: generate .*: generate: 1 tokens; expected 4\n[\s\S]*\nThe adapter is wrong/);
  const report = JSON.parse(readFileSync(file, 'utf8'));
  t.like(report, {
    format: 1,
    verdict: 'wrong',
    fault: 'adapter',
    subject: { name: 'mine', adapter: `--module ${module}` },
    model: { name: 'dense', source: 'fixture' },
    reproduce: `npx plumbline-verify smoke --model dense --module ${module}`,
  });
});

test('an engine that cannot be asked has exit code 3, and a line for a shell that asks it by hand', async (t) => {
  const { exitCode, out } = await run(['--command', '/no/such --engine', '--json', '-']);
  t.is(exitCode, 3);
  const { verdict, checks, reproduce } = JSON.parse(out);
  t.is(verdict, 'unknown');
  t.like(checks, [{ what: 'the engine starts and loads the model', verdict: 'no answer' }]);
  t.regex(reproduce, /^printf '%s\\n' '\{"type":"start".*"maxNewTokens":4.* \| \/no\/such --engine$/);
});

test('wrong usage is not taken for a wrong engine', async (t) => {
  for (const [argv, message] of [
    [['--module', 'a.ts', '--url', 'http://x'], /give one engine; .* name several/],
    [['--dump', 'answers'], /--dump names answers that are written already/],
    [['--api', 'vllm'], /give the --url of the server that --api describe/],
  ] as const) {
    await t.throwsAsync(run(argv), { instanceOf: UsageError, message });
  }
});

test('Ctrl-C ends an engine that does not answer', async (t) => {
  const signals = new EventEmitter();
  const never = '{ generate: () => new Promise(() => {}) }';
  const running = run(['--module', moduleOf(t, never)], signals);
  while (signals.listenerCount('SIGINT') === 0) await new Promise(setImmediate);
  signals.emit('SIGINT', 'SIGINT');
  t.like(await t.throwsAsync(running, { instanceOf: Interrupted }), { exitCode: 130 });
});
