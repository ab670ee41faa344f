import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { HANDLERS } from '../../engine/server/handlers.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { GroupRun, isForkedRank } from '../support/groups/groups.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { CLI_PATH } from '../support/processes/processes.ts';
import { denseModel, modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

interface RunningServer {
  readonly run: GroupRun;
  /** `http://127.0.0.1:8000` */
  readonly origin: string;
}

/** Starts the command, and waits for the line that has the URL. */
async function serve(t: ExecutionContext, ...flags: string[]): Promise<RunningServer> {
  const argv = [CLI_PATH, 'serve', '--port', '0', '--log', 'json', '--threads', '1', ...flags];
  const run = new GroupRun(process.execPath, argv, temporaryFolder(t));
  t.teardown(() => run.killAll());
  const exited = run.end().then(() => {
    throw new Error(`the server ended before it was ready:\n${run.log}`);
  });
  for (;;) {
    const ready = run.lines.find((line) => line.startsWith('{"url"'));
    if (ready) {
      exited.catch(() => {});
      return { run, origin: JSON.parse(ready).url.replace(/\/v1$/, '') };
    }
    await Promise.race([sleep(10), exited]);
  }
}

/** What the routes answer. */
interface Answer {
  readonly data: readonly object[];
  readonly tokens: readonly number[];
  readonly token_strs: readonly string[];
  readonly count: number;
  readonly prompt: string;
  readonly error: { readonly message: string };
}

async function ask(url: string, body?: unknown, headers: Record<string, string> = {}) {
  const options = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
  const response = await fetch(
    url,
    body === undefined ? { headers } : { ...options, body: JSON.stringify(body) },
  );
  return { status: response.status, answer: (await response.json()) as Answer };
}

/** A connection that sends half a request. */
async function halfRequest(t: ExecutionContext, origin: string): Promise<Socket> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  socket.write('POST /tokenize HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
  return socket;
}

test('a model over two ranks is served with a key, until a rank dies while nothing is asked', async (t) => {
  process.env.PLUMBLINE_SPEC_KEY = 'sk-secret';
  const model = await ensureFixture('dense');
  const flags = ['--model', model, '--served-model-name', 'dense', '--tp', '2'];
  const { run, origin } = await serve(t, ...flags, '--api-key-env', 'PLUMBLINE_SPEC_KEY');
  const key = { authorization: 'Bearer sk-secret' };

  t.is((await ask(`${origin}/health`)).status, 200);
  t.is((await ask(`${origin}/v1/models`)).status, 401);
  t.is((await ask(`${origin}/tokenize`, { prompt: 'a' }, { authorization: 'Bearer sk-other' })).status, 401);
  const models = await ask(`${origin}/v1/models`, undefined, key);
  t.like(models.answer.data[0], { id: 'dense', max_model_len: 4096 });
  const text = { prompt: 'Grüße', return_token_strs: true };
  const { answer: tokenized } = await ask(`${origin}/tokenize`, text, key);
  t.is(tokenized.count, tokenized.tokens.length);
  t.is(tokenized.token_strs.length, tokenized.count);
  t.is((await ask(`${origin}/detokenize`, { tokens: tokenized.tokens }, key)).answer.prompt, 'Grüße');
  for (const path of Object.keys(HANDLERS)) {
    const { status, answer } = await ask(origin + path, {}, key);
    t.is(status, 400, `${path}: ${answer.error.message}`);
  }
  const metrics = await fetch(`${origin}/metrics`, { headers: key });
  t.regex(await metrics.text(), /^plumbline_http_requests_total\{route="\/tokenize",status="401"\} 1$/m);

  const ranks = (await run.survivors(0, Number.MAX_SAFE_INTEGER)).filter(isForkedRank);
  t.is(ranks.length, 1);
  process.kill(ranks[0], 'SIGKILL');
  let health = await ask(`${origin}/health`);
  while (health.status === 200) health = await ask(`${origin}/health`);
  t.is(health.status, 503);
  t.regex(health.answer.error.message, /Rank 1 was killed by SIGKILL/);
  t.deepEqual(await run.end(), { exitCode: 1, signal: null });
  t.deepEqual(await run.survivors(5000), []);
  t.true(run.lines.includes('plumbline: Rank 1 was killed by SIGKILL'), run.log);
  t.notRegex(run.log, /sk-/, 'no key is logged');
});

test('a model without a tokenizer is served by ids; SIGTERM ends the server, whatever is connected', async (t) => {
  const { run, origin } = await serve(t, '--model', modelDirectory(t, denseModel()));
  const refused = await ask(`${origin}/tokenize`, { prompt: 'a' });
  t.is(refused.status, 400);
  t.regex(refused.answer.error.message, /no tokenizer files; send token ids/);
  const sockets = await Promise.all(Array.from({ length: 20 }, () => halfRequest(t, origin)));
  process.kill(run.pid, 'SIGTERM');
  t.deepEqual(await run.end(), { exitCode: 0, signal: null });
  for (const socket of sockets) if (!socket.closed) await once(socket, 'close');
  t.is(run.lines.length, 2, 'the line with the URL, and that of the request');
});
