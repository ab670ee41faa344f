import { basename } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Io } from '../../../../engine/cli/io.ts';
import { run } from '../../../../engine/cli/program.ts';
import { TEMPLATE_FILES } from '../../../../engine/text/tokenizer-files.ts';
import { modelDir } from '../text/tiny.ts';
import { everyCountIsDrawn, type FakeIo, FakeTerminal, fakeIo, TEXT_MODEL } from './support.ts';

type StartServer = Io['startServer'];

/** The surroundings of the command, with a server that ends when it is closed or fails. */
function serverIo(given: Partial<Io> = {}) {
  const io = fakeIo();
  const ended = Promise.withResolvers<void>();
  const started = Promise.withResolvers<Parameters<StartServer>>();
  const graces: number[] = [];
  const startServer: StartServer = async (...args) => {
    args[0].onProgress?.(1, 2);
    started.resolve(args);
    return {
      url: 'http://127.0.0.1:1234',
      ended: ended.promise,
      close: async (graceMs) => {
        graces.push(graceMs);
        ended.resolve();
      },
    };
  };
  return { io: { ...io, ...given, startServer } as FakeIo, ended, started: started.promise, graces };
}

async function serves(t: ExecutionContext, ...flags: string[]) {
  const dir = modelDir(t, TEXT_MODEL);
  const { io, started, graces } = serverIo({ env: { KEY: 'secret', EMPTY: '' } });
  const running = run(['serve', '--model', dir, ...flags], io);
  const [load, options] = await started;
  setImmediate(() => io.signals.emit('SIGTERM', 'SIGTERM'));
  return { exitCode: await running, out: io.stdout.text, err: io.stderr.text, load, options, graces, dir };
}

test('a model is served on the loopback address until a signal, which is exit code 0', async (t) => {
  const { exitCode, out, err, load, options, graces, dir } = await serves(t);
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' });
  t.is(out, `serving ${basename(dir)} at http://127.0.0.1:1234/v1\n`);
  t.is(load.modelDir, dir);
  t.like(load.options, { cacheTokens: 4096, maxBatch: undefined, tp: undefined });
  const { rules, log: _, ...rest } = options;
  t.deepEqual(rest, {
    ...{ host: '127.0.0.1', port: 8000, maxQueue: 1000, maxLogprobs: 20, logFormat: 'text' },
    servedModelName: basename(dir),
  });
  t.deepEqual(rules, { apiKey: undefined, allowOrigin: undefined, requestTimeoutMs: undefined });
  t.deepEqual(graces, [30_000]);
});

test('lines of the log go to standard error, and a model is named after its folder', async (t) => {
  const dir = modelDir(t, TEXT_MODEL);
  const { io, started } = serverIo();
  const running = run(['serve', '--model', `${dir}/.`, '--threads', '3', '--tp', '2'], io);
  const [load, options] = await started;
  options.log('a request\n');
  setImmediate(() => io.signals.emit('SIGTERM', 'SIGTERM'));
  await running;
  t.is(io.stderr.text, 'a request\n');
  t.is(io.stdout.text, `serving ${basename(dir)} at http://127.0.0.1:1234/v1\n`);
  t.like(load.options, { threads: 3, tp: 2 });
  const text = ['tokenizer.json', 'tokenizer_config.json', ...TEMPLATE_FILES];
  const optional = ['generation_config.json', ...text];
  t.deepEqual(io.resolved, [
    [`${dir}/.`, { files: ['config.json'], optional, weights: true, revision: undefined }],
  ]);
});

test('every flag arrives, and the line for machines is JSON', async (t) => {
  const { out, load, options, graces } = await serves(
    t,
    ...['--host', '0.0.0.0', '--port', '0', '--api-key-env', 'KEY', '--allow-origin', '*'],
    ...['--served-model-name', 'qwen3', '--max-queue', '0', '--max-logprobs', '-1', '--log', 'json'],
    ...['--request-timeout', '1.5', '--grace', '0', '--tp', '2', '--max-batch', '3', '--cache-blocks', '5'],
  );
  t.deepEqual(JSON.parse(out), { url: 'http://127.0.0.1:1234/v1', model: 'qwen3' });
  t.like(load.options, { tp: 2, maxBatch: 3, cacheTokens: 80 });
  t.like(options, {
    ...{
      host: '0.0.0.0',
      port: 0,
      servedModelName: 'qwen3',
      maxQueue: 0,
      maxLogprobs: -1,
      logFormat: 'json',
    },
    rules: { apiKey: 'secret', allowOrigin: '*', requestTimeoutMs: 1500 },
  });
  t.deepEqual(graces, [0]);
});

test('what makes no sense is refused before a model is loaded', async (t) => {
  for (const [flags, message] of [
    [['--host', '0.0.0.0'], /--host 0\.0\.0\.0 is reached from other machines.*--api-key-env or --insecure/],
    [['--host', '::'], /--insecure/],
    // Names of other machines that begin as an address of this one does.
    [['--host', '127.example.org'], /--host 127\.example\.org is reached/],
    [['--host', '127.0.0.1.example.org'], /is reached/],
    [['--host', '127.0.0'], /is reached/],
    [['--host', 'localhost.example.org'], /is reached/],
    [['--api-key-env', 'NOPE'], /--api-key-env NOPE: the environment variable is not set/],
    [['--api-key-env', 'EMPTY'], /is empty/],
    [['--insecure', '--api-key-env', 'NOPE'], /is not set/],
    [['--host', '::', '--insecure', '--api-key-env', 'EMPTY'], /is empty/],
    [['--port', '70000'], /It must be a port/],
    [['--max-logprobs', '-2'], /It must be a whole number, or -1/],
    [['--log', 'xml'], /Allowed choices are text, json, none/],
  ] as const) {
    const { io } = serverIo({ env: { EMPTY: '' } });
    t.is(await run(['serve', '--model', 'any', ...flags], io), 2, flags.join(' '));
    t.regex(io.stderr.text, message);
    t.deepEqual(io.resolved, []);
  }
  for (const flags of [
    ['--host', '127.0.0.1'],
    ['--host', '::1'],
    ['--host', 'localhost'],
    ['--host', '::', '--insecure'],
  ]) {
    t.is((await serves(t, ...flags)).exitCode, 0, flags.join(' '));
  }
});

test('a key that is given is wanted of every request, on any address and beside --insecure', async (t) => {
  for (const flags of [[], ['--insecure'], ['--host', '0.0.0.0'], ['--host', '0.0.0.0', '--insecure']]) {
    const { exitCode, options } = await serves(t, '--api-key-env', 'KEY', ...flags);
    t.is(exitCode, 0);
    t.is(options.rules.apiKey, 'secret', flags.join(' '));
  }
  t.is((await serves(t, '--insecure')).options.rules.apiKey, undefined);
});

test('an engine that fails is exit code 1, with its message', async (t) => {
  const { io, ended, started } = serverIo();
  const running = run(['serve', '--model', modelDir(t, TEXT_MODEL)], io);
  await started;
  ended.reject(new Error('Rank 1 died'));
  t.is(await running, 1);
  t.regex(io.stderr.text, /Rank 1 died/);
  t.is(io.failures.length, 1, 'the other ranks of mpirun end');
});

test('a log in JSON or none has no line that is drawn anew, and the environment tells the threads', async (t) => {
  for (const log of ['json', 'none']) {
    const { io, started } = serverIo({ stderr: new FakeTerminal() });
    const running = run(['serve', '--model', modelDir(t, TEXT_MODEL), '--log', log], io);
    await started;
    setImmediate(() => io.signals.emit('SIGINT', 'SIGINT'));
    t.is(await running, 0);
    t.is(io.stderr.text, '');
    t.is(io.env.PLUMBLINE_LOG, log);
  }
});

test.serial('a terminal shows how much of the weights is read', async (t) => {
  everyCountIsDrawn(t);
  const { io, started } = serverIo({ stderr: new FakeTerminal() });
  const running = run(['serve', '--model', modelDir(t, TEXT_MODEL)], io);
  await started;
  setImmediate(() => io.signals.emit('SIGINT', 'SIGINT'));
  t.is(await running, 0);
  t.regex(io.stderr.text, /reading weights\S*.*reading weights 50 % of 2 bytes/s);
});
