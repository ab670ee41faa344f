import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { HANDLERS } from '../../engine/server/handlers.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { GroupRun, isForkedRank } from '../support/groups/groups.ts';
import { shardedDense } from '../support/groups/sharded-models.ts';
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
  return await serveBy(t, [process.execPath], ...flags);
}

/** @param command that runs Node. */
async function serveBy(
  t: ExecutionContext,
  [program, ...args]: readonly string[],
  ...flags: string[]
): Promise<RunningServer> {
  const argv = [...args, CLI_PATH, 'serve', '--port', '0', '--log', 'json', '--threads', '1', ...flags];
  const run = new GroupRun(program, argv, temporaryFolder(t));
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

/** The sequences that the engine computes and that wait. */
async function numSequences(origin: string): Promise<number> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  return ['running', 'waiting']
    .map((state) => Number(new RegExp(`^plumbline_num_requests_${state} (.*)$`, 'm').exec(text)?.[1]))
    .reduce((sum, count) => sum + count);
}

/** Asks for a stream of tokens, and waits for the first event. */
async function openStream(
  origin: string,
  { maxTokens, n = 1 }: { maxTokens: number; n?: number },
): Promise<() => Promise<string>> {
  const body = { prompt: [1], max_tokens: maxTokens, n, ignore_eos: true, stream: true };
  const response = await fetch(`${origin}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader.read()).value ?? '';
  return async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
    return text;
  };
}

/** A connection that sends half a request. */
async function halfRequest(t: ExecutionContext, origin: string): Promise<Socket> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.on('error', () => {}).resume();
  await once(socket, 'connect');
  socket.write(
    'POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  );
  return socket;
}

test('a model over two ranks is served with a key, until a rank dies while nothing is asked', async (t) => {
  process.env.PLUMBLINE_SPEC_KEY = 'sk-secret';
  const model = await ensureFixture('dense');
  const flags = ['--model', model, '--served-model-name', 'dense', '--tp', '2'];
  // The kernels of such a processor warn.
  const slow = [process.execPath, '--no-enable-fma3'];
  const { run, origin } = await serveBy(t, slow, ...flags, '--api-key-env', 'PLUMBLINE_SPEC_KEY');
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
  const lines: { level?: string; message?: string }[] = run.lines.map((line) => JSON.parse(line));
  t.like(lines.at(-1), { level: 'error', message: 'Rank 1 was killed by SIGKILL' });
  const warnings = lines.flatMap(({ level, message = '' }) => (level === 'warning' ? [message] : []));
  t.is(warnings.length, 1, warnings.join('\n'));
  t.regex(warnings[0], /fused multiply-add/);
  t.notRegex(run.log, /sk-/, 'no key is logged');
});

test('a model without a tokenizer is served by ids; late requests end; SIGTERM ends the server, whatever is connected', async (t) => {
  const flags = ['--request-timeout', '0.5'];
  const { run, origin } = await serve(t, '--model', modelDirectory(t, denseModel()), ...flags);
  const refused = await ask(`${origin}/tokenize`, { prompt: 'a' });
  t.is(refused.status, 400);
  t.regex(refused.answer.error.message, /no tokenizer files; send token ids/);
  const long = { prompt: [1], max_tokens: 63, n: 1024, ignore_eos: true };
  const late = await ask(`${origin}/v1/completions`, long);
  t.is(late.status, 504, JSON.stringify(late.answer).slice(0, 200));
  t.regex(late.answer.error.message, /cannot answer within 0\.5 s/);
  const sockets = await Promise.all(Array.from({ length: 20 }, () => halfRequest(t, origin)));
  process.kill(run.pid, 'SIGTERM');
  t.deepEqual(await run.end(), { exitCode: 0, signal: null });
  for (const socket of sockets) if (!socket.closed) await once(socket, 'close');
  // A line for each request follows the URL; of the half requests, for those whose headers were read in time.
  const requests: { path: string; status?: number }[] = run.lines.slice(1).map((line) => JSON.parse(line));
  t.deepEqual(
    requests.slice(0, 2).map(({ status }) => status),
    [400, 504],
  );
  t.true(requests.length <= 2 + sockets.length, run.log);
  for (const { path, status } of requests.slice(2)) t.true(path === '/tokenize' && (status ?? 503) === 503);
});

test('a rank that dies ends every open request with an error', async (t) => {
  const { run, origin } = await serve(t, '--model', modelDirectory(t, shardedDense()), '--tp', '2');
  const streams = await Promise.all([500, 501].map((n) => openStream(origin, { maxTokens: 200, n })));
  const whole = ask(`${origin}/v1/completions`, { prompt: [1], max_tokens: 200, n: 500, ignore_eos: true });
  // A request that comes after the rank has died may find no server any more.
  while ((await numSequences(origin)) <= 500 + 501) await sleep(10);
  const [rank] = (await run.survivors(0, Number.MAX_SAFE_INTEGER)).filter(isForkedRank);
  process.kill(rank, 'SIGKILL');
  for (const rest of streams) {
    const [done, last] = (await rest()).trim().split('\n\n').reverse();
    t.is(done, 'data: [DONE]');
    t.like(JSON.parse(last.slice('data: '.length)).error, {
      code: 503,
      message: 'Rank 1 was killed by SIGKILL',
    });
  }
  t.is((await whole).status, 503);
  // The server may have ended by now.
  const health = await ask(`${origin}/health`).catch(() => undefined);
  t.is(health?.status ?? 503, 503);
  t.deepEqual(await run.end(), { exitCode: 1, signal: null });
});

test('a full disk takes the log and nothing else; a stream finishes after SIGTERM', async (t) => {
  const full = ['sh', '-c', 'exec "$0" "$@" 2>/dev/full', process.execPath];
  const model = modelDirectory(t, denseModel());
  const { run, origin } = await serveBy(t, full, '--model', model);
  const rest = await openStream(origin, { maxTokens: 63, n: 128 });
  process.kill(run.pid, 'SIGTERM');
  const events = (await rest()).trim().split('\n\n');
  t.is(events.length, 128 * 64 + 1, 'a chunk for each token and each end, and [DONE]');
  t.is(events.at(-1), 'data: [DONE]');
  t.deepEqual(await run.end(), { exitCode: 0, signal: null });
  t.is(run.lines.length, 1, 'the line with the URL');
});
