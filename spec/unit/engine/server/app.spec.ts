import { type AddressInfo, connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { GroupError } from '../../../../engine/errors.ts';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { createApp } from '../../../../engine/server/app.ts';
import type { Handler, ServerContext } from '../../../../engine/server/context.ts';
import { Metrics } from '../../../../engine/server/metrics.ts';
import { OpenRequests } from '../../../../engine/server/open-requests.ts';
import { toolsJsonOf } from '../../../../engine/server/request-body.ts';
import type { LoggedRequest } from '../../../../engine/server/request-log.ts';
import type { RequestRules } from '../../../../engine/server/request-rules.ts';
import { closing } from '../../../support/processes/cleanup.ts';
import { fakeEngine } from './fakes.ts';

/** Continues `ids`, whole or, with `stream`, token by token. */
const echo: Handler = (body, { engine }, signal) => {
  const { ids, stream } = body as { ids: number[]; stream?: boolean };
  async function* chunks() {
    for await (const event of engine.generate({ ids, maxNewTokens: 1 }, signal)) {
      if (event.type === 'token') yield { token: event.token };
    }
  }
  const whole = async () => {
    const tokens: unknown[] = [];
    for await (const { token } of chunks()) tokens.push(token);
    return { tokens };
  };
  return stream ? chunks() : whole();
};

const full: Handler = async () => {
  throw new ApiError(429, 'full', { retryAfter: 3 });
};

const tools: Handler = async (body) => ({ json: toolsJsonOf(body) });

const long: Handler = async () => ({ lists: [Array.from({ length: 50_000 }, (_, i) => i)] });

const bug: Handler = async () => {
  throw new TypeError('secret');
};

function makeApp(t: ExecutionContext, rules: RequestRules = {}) {
  const engine = fakeEngine();
  const open = new OpenRequests();
  const logged: LoggedRequest[] = [];
  const state = { engine, open, logged, reason: undefined as Error | undefined };
  const app = createApp({
    context: { engine, servedModelName: 'qwen3', created: 1 } as unknown as ServerContext,
    metrics: new Metrics({ stats: () => engine.stats, numOpen: () => 0 }),
    ...{ open, rules },
    handlers: { '/echo': echo, '/full': full, '/tools': tools, '/long': long, '/bug': bug },
    whyClosed: () => state.reason,
    log: (request) => logged.push(request),
  });
  closing(t, app);
  const post = (url: string, payload: unknown, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url, payload: payload as object, headers });
  return { ...state, app, post, state };
}

test('GET routes answer with JSON, and /metrics with text', async (t) => {
  const { app } = makeApp(t);
  t.deepEqual((await app.inject('/health')).json(), { status: 'ok' });
  t.regex((await app.inject('/version')).json().version, /^\d+\.\d+\.\d+/);
  t.is((await app.inject('/v1/models')).json().data[0].id, 'qwen3');
  t.is((await app.inject('/v1/models/qwen3')).json().max_model_len, 64);
  t.like((await app.inject('/v1/models/Qwen%2Fother')).json(), { error: { code: 404, param: 'model' } });
  const metrics = await app.inject('/metrics');
  t.regex(String(metrics.headers['content-type']), /^text\/plain; version=0\.0\.4/);
  t.true(metrics.body.includes('plumbline_http_requests_total{route="/v1/models",status="200"} 1'));
});

test('a handler answers whole, or in events; tokens are counted', async (t) => {
  const { app, post, logged, open } = makeApp(t);
  t.deepEqual((await post('/echo', { ids: [5, 6] })).json(), { tokens: [5, 6] });
  const streamed = await post('/echo', { ids: [5, 6], stream: true });
  t.is(streamed.headers['content-type'], 'text/event-stream; charset=utf-8');
  t.is(streamed.body, 'data: {"token":5}\n\ndata: {"token":6}\n\ndata: [DONE]\n\n');
  t.like(logged, { 0: { path: '/echo', status: 200, promptTokens: 2, completionTokens: 2 }, length: 2 });
  t.is(open.size, 0);
  t.true((await app.inject('/metrics')).body.includes('plumbline_generation_tokens_total 4'));
});

test('a long answer is sent in pieces, a short one with its length', async (t) => {
  const { post, open } = makeApp(t);
  const answer = await post('/long', {});
  t.deepEqual(answer.json(), await long({}, {} as ServerContext, new AbortController().signal));
  t.is(answer.headers['content-type'], 'application/json; charset=utf-8');
  t.is(answer.headers['content-length'], undefined);
  t.is((await post('/tools', {})).headers['content-length'], '2');
  t.is(open.size, 0);
});

test('every refusal is an error in the form of OpenAI', async (t) => {
  const { app, post, logged } = makeApp(t, { maxBodyBytes: 100 });
  const json = { 'content-type': 'application/json' };
  for (const [answer, code, header] of [
    [app.inject('/nowhere?key=secret'), 404],
    [app.inject('/echo'), 405, ['allow', 'POST']],
    [app.inject({ method: 'DELETE', url: '/v1/models' }), 405, ['allow', 'GET']],
    [app.inject('/%'), 400],
    [post('/echo', '{', json), 400],
    [post('/echo', '', json), 400],
    [post('/echo', '{"__proto__": 1}', json), 400],
    [post('/echo', 'ids=1', { 'content-type': 'application/x-www-form-urlencoded' }), 415],
    [post('/echo', { ids: new Array(99).fill(1) }), 413],
    [post('/full', {}), 429, ['retry-after', '3']],
    [post('/bug', {}), 500],
  ] as const) {
    const { statusCode, body, headers } = await answer;
    t.is(statusCode, code, body);
    const { error } = JSON.parse(body);
    t.is(error.code, code);
    t.true(error.message.length > 0 && !body.includes('secret'), body);
    if (header) t.is(String(headers[header[0]]), header[1]);
  }
  t.is(logged.length, 10, 'all but the one whose path cannot be read');
  const failed = logged.find(({ path }) => path === '/bug');
  t.true(failed?.error?.cause instanceof TypeError, 'the log has the bug');
});

test('a handler sees the JSON of tools as it was sent', async (t) => {
  const { post } = makeApp(t);
  const json = { 'content-type': 'application/json' };
  t.deepEqual((await post('/tools', '{"é":1,"tools":[{"a": 1.0}],"b":2}', json)).json(), {
    json: '[{"a": 1.0}]',
  });
  t.deepEqual((await post('/tools', '{"a":{"tools":[1]}}', json)).json(), {});
});

test('a body that is nested too deep is refused before it is parsed', async (t) => {
  const { post } = makeApp(t);
  const { statusCode, body } = await post('/echo', '['.repeat(129), { 'content-type': 'application/json' });
  t.is(statusCode, 400);
  t.regex(JSON.parse(body).error.message, /more than 128 arrays and objects/);
});

test('a key is wanted of every request but /health', async (t) => {
  const { app, post } = makeApp(t, { apiKey: 'secret', allowOrigin: 'https://a.org' });
  t.is((await app.inject('/health')).statusCode, 200);
  for (const url of ['/v1/models', '/metrics', '/version', '/nowhere']) {
    const { statusCode, headers } = await app.inject(url);
    t.deepEqual([statusCode, headers['www-authenticate']], [401, 'Bearer'], url);
  }
  const headers = { authorization: 'Bearer secret' };
  t.is((await app.inject({ url: '/v1/models', headers })).statusCode, 200);
  t.is((await post('/echo', { ids: [] }, headers)).statusCode, 200);
  const question = { method: 'OPTIONS', url: '/echo', headers: { origin: 'https://a.org' } } as const;
  t.is((await app.inject(question)).statusCode, 204, 'a browser asks without the key whether it may');
});

test('a server that closes refuses requests, and says why', async (t) => {
  const { app, state } = makeApp(t);
  state.reason = new Error('Rank 1 died');
  for (const url of ['/health', '/v1/models']) {
    const { statusCode, headers, body } = await app.inject(url);
    t.deepEqual([statusCode, headers.connection], [503, 'close']);
    t.regex(body, /Rank 1 died/);
  }
});

test('an engine that fails is the status of a whole answer, and the last event of a stream', async (t) => {
  const { post, engine, logged } = makeApp(t);
  const waiting = Promise.withResolvers<void>();
  engine.beforeToken = async (index) => {
    if (index === 0) return;
    waiting.resolve();
    await new Promise(() => {});
  };
  const streaming = post('/echo', { ids: [1, 2], stream: true });
  const answering = post('/echo', { ids: [1, 2] });
  await waiting.promise;
  engine.fail(new GroupError('Rank 1 died'));
  t.is((await answering).statusCode, 503);
  const { statusCode, body } = await streaming;
  t.is(statusCode, 200);
  t.regex(body, /^data: \{"token":1\}\n\ndata: \{"error":\{"message":"Rank 1 died".*\n\ndata: \[DONE\]\n\n$/);
  t.is(logged.find(({ status }) => status === 200)?.error?.message, 'Rank 1 died');
});

test('a request that takes too long is ended with 504', async (t) => {
  const { post, engine, open } = makeApp(t, { requestTimeoutMs: 5 });
  engine.beforeToken = () => new Promise(() => {});
  t.is((await post('/echo', { ids: [1] })).statusCode, 504);
  t.is(open.size, 0);
});

test('a body that is too large is dropped, and its connection goes on', async (t) => {
  const { app } = makeApp(t, { maxBodyBytes: 1000 });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1').setEncoding('utf8');
  const large = ' '.repeat(2 ** 20);
  socket.write(
    `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${large.length}\r\n\r\n${large}`,
  );
  socket.write('GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const part of socket) text += part;
  t.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 413', 'HTTP/1.1 200'], text);
});

test('every unusual request is answered in the form of the API', async (t) => {
  const { app } = makeApp(t, { maxBodyBytes: 1000 });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const post = (headers: string, body: string | Buffer = '{"ids": []}') =>
    Buffer.concat([
      Buffer.from(
        `POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
      ),
      Buffer.from(body),
    ]);
  for (const [status, request] of [
    [405, 'CONNECT /echo HTTP/1.1\r\nHost: x\r\n\r\n'],
    [400, 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n'],
    [200, 'GET /health HTTP/1.0\r\n\r\n'],
    [417, post('Expect: x\r\n')],
    [415, post('Content-Encoding: gzip\r\n')],
    [200, post('Content-Encoding: Identity\r\n')],
    [400, post('', Buffer.from([0x22, 0xff, 0x22]))],
  ] as const) {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8');
    socket.write(request);
    let text = '';
    for await (const part of socket) text += part;
    const name = String(request).slice(0, 200);
    t.true(text.startsWith(`HTTP/1.1 ${status} `), `${name}: ${text}`);
    t.regex(text, /^content-type: application\/json; charset=utf-8\r$/im, name);
    if (status !== 200) t.true(text.includes(`"code":${status}`), `${name}: ${text}`);
  }
});

test('a connection that is refused closes, though the client sends more and does not close it', async (t) => {
  const { app } = makeApp(t);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  for (const [status, first] of [
    [405, 'CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\nmore'],
    [400, 'GARBAGE\r\n\r\n'],
  ] as const) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('utf8');
    socket.on('error', () => {}).write(first);
    let text = '';
    for await (const part of socket) {
      text += part;
      socket.write('and more');
    }
    t.true(text.startsWith(`HTTP/1.1 ${status} `), text);
    t.teardown(() => socket.destroy());
  }
  const reset = connect(port, '127.0.0.1').on('error', () => {});
  await new Promise<void>((sent) => reset.write('CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n', () => sent()));
  reset.resetAndDestroy();
  // Without a listener for errors of the socket, the process would end here.
  t.is((await fetch(`http://127.0.0.1:${port}/health`)).status, 200);
  // Resolves when all connections have closed.
  await app.close();
});
