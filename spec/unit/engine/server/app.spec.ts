import test from 'ava';
import { GroupError } from '../../../../engine/errors.ts';
import type { ServerContext } from '../../../../engine/server/context.ts';
import { readPackageJson } from '../../../../engine/terminal/package-json.ts';
import { long, makeApp } from './making-app.ts';

test('GET routes answer with JSON, and /metrics with text', async (t) => {
  const { app } = makeApp(t);
  t.deepEqual((await app.inject('/health')).json(), { status: 'ok' });
  t.deepEqual((await app.inject('/version')).json(), { version: readPackageJson().version });
  const served = (await app.inject('/v1/models/qwen3')).json();
  t.like(served, { id: 'qwen3', created: 1, max_model_len: 64 });
  t.deepEqual((await app.inject('/v1/models')).json(), { object: 'list', data: [served] });
  t.like((await app.inject('/v1/models/Qwen%2Fother')).json(), { error: { code: 404, param: 'model' } });
  const metrics = await app.inject('/metrics');
  t.regex(String(metrics.headers['content-type']), /^text\/plain; version=0\.0\.4/);
  t.true(metrics.body.includes('plumbline_http_requests_total{route="/v1/models",status="200"} 1'));
});

test('a handler answers whole, or in events; tokens are counted', async (t) => {
  const { app, post, logged, open } = makeApp(t);
  t.deepEqual((await post('/echo', { ids: [5, 6] })).json(), { tokens: [5, 6] });
  const streamed = await post('/echo', { ids: [5, 6], stream: true });
  t.like(streamed.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
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
  const read = 'cannot read the request';
  for (const [answer, code, message, header] of [
    [app.inject('/nowhere?key=secret'), 404, 'cannot find /nowhere; plumbline serve --help has the routes'],
    [app.inject('/echo'), 405, 'cannot GET /echo; use POST', ['allow', 'POST']],
    [
      app.inject({ method: 'DELETE', url: '/v1/models' }),
      405,
      'cannot DELETE /v1/models; use GET',
      ['allow', 'GET'],
    ],
    [app.inject('/%'), 400, `${read}: '/%' is not a valid url component`],
    [post('/echo', '{', json), 400, /^cannot read the request: Body is not valid JSON/],
    [post('/echo', '', json), 400, 'cannot read an empty body; send a JSON object'],
    [post('/echo', '{"__proto__": 1}', json), 400, /^cannot read the request: /],
    [post('/echo', '{"constructor": {"prototype": 1}}', json), 400, /^cannot read the request: /],
    [
      post('/echo', 'ids=1', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'cannot read a body of this type; send "Content-Type: application/json"',
    ],
    [
      post('/echo', { ids: new Array(99).fill(1) }),
      413,
      'cannot read the body: it is too large; send fewer or shorter prompts',
    ],
    [post('/full', {}), 429, 'full', ['retry-after', '3']],
    [post('/bug', {}), 500, 'the server failed to answer; its log says more'],
  ] as const) {
    const { statusCode, body, headers } = await answer;
    t.is(statusCode, code, body);
    const { error } = JSON.parse(body);
    t.like(error, { code, param: null });
    if (typeof message === 'string') t.is(error.message, message);
    else t.regex(error.message, message);
    t.deepEqual(
      [headers.allow, headers['retry-after']],
      [
        header?.[0] === 'allow' ? header[1] : undefined,
        header?.[0] === 'retry-after' ? header[1] : undefined,
      ],
    );
  }
  t.is(logged.length, 11, 'all but the one whose path cannot be read');
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
  t.is(
    JSON.parse(body).error.message,
    'cannot read the body: it has more than 128 arrays and objects within one another; send fewer or shorter prompts',
  );
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
  const refused = await app.inject({ url: '/v1/models', headers: { origin: 'https://a.org' } });
  t.is(refused.headers['access-control-allow-origin'], 'https://a.org', 'a page may read the refusal');
  t.deepEqual(refused.json(), {
    error: {
      message: 'cannot admit the request: found no API key; send "Authorization: Bearer KEY"',
      ...{ type: 'authentication_error', param: null, code: 401 },
    },
  });
  const question = { method: 'OPTIONS', url: '/echo', headers: { origin: 'https://a.org' } } as const;
  t.is((await app.inject(question)).statusCode, 204, 'a browser asks without the key whether it may');
});

test('a server that closes refuses requests, and says why', async (t) => {
  const { app, state } = makeApp(t);
  state.reason = new Error('Rank 1 died');
  for (const url of ['/health', '/v1/models']) {
    const { statusCode, headers, body } = await app.inject(url);
    t.deepEqual([statusCode, headers.connection], [503, 'close']);
    t.deepEqual(JSON.parse(body).error, {
      message: 'cannot serve requests any more: Rank 1 died',
      type: 'service_unavailable_error',
      param: null,
      code: 503,
    });
  }
});

test('a request has half a minute and a mebibyte to arrive, unless the rules say otherwise', async (t) => {
  for (const [rules, timeoutMs, bytes] of [
    [{}, 30_000, 2 ** 20],
    [{ receiveTimeoutMs: 1002, maxBodyBytes: 64 }, 1002, 64],
  ] as const) {
    const { app, post } = makeApp(t, rules);
    const { requestTimeout, headersTimeout } = app.server;
    t.deepEqual([requestTimeout, headersTimeout], [timeoutMs, timeoutMs]);
    const json = { 'content-type': 'application/json' };
    const body = (length: number) => '{"ids":[]}'.padEnd(length);
    t.is((await post('/echo', body(bytes), json)).statusCode, 200);
    t.is((await post('/echo', body(bytes + 1), json)).statusCode, 413);
  }
});

test('a name of up to 500 characters is looked for among the models', async (t) => {
  const { app } = makeApp(t);
  const { error } = (await app.inject(`/v1/models/${'a'.repeat(500)}`)).json();
  t.is(error.message, `cannot find the model "${'a'.repeat(100)}"; served is "qwen3"`);
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
  t.like((await post('/echo', { ids: [1] })).json(), {
    error: { code: 504, message: 'cannot answer within 0.005 s, the limit of this server' },
  });
  t.is(open.size, 0);
});
