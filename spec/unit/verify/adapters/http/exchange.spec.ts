import test, { type ExecutionContext } from 'ava';
import {
  Connection,
  ConnectionError,
  type ExchangeLimits,
} from '../../../../../verify/adapters/http/exchange.ts';
import { NoAnswerError, SubjectError } from '../../../../../verify/errors.ts';
import { closing, trackResources } from '../../../../support/processes/cleanup.ts';
import { cut, sends, silent } from '../../../../support/servers/faults.ts';
import { LoopbackServer } from '../../../../support/servers/loopback-server.ts';

trackResources(test);

const LIMITS: ExchangeLimits = { timeoutMs: 30_000, maxBytes: 1000 };
const GET = { method: 'GET', path: '/a' } as const;

const start = async (t: ExecutionContext) =>
  closing(t, await LoopbackServer.start({ 'POST /v1/a': (body) => body }));
const connect = (t: ExecutionContext, url: string, headers = {}) =>
  closing(t, new Connection(new URL(url), headers));

test('a body is sent as JSON below the path of the URL, with the headers of the connection', async (t) => {
  const server = await start(t);
  const connection = connect(t, `${server.url}/v1//`, { authorization: 'Bearer key' });
  const answer = await connection.send({ method: 'POST', path: '/a', body: { text: 'ü' } }, 'probe', LIMITS);
  t.like(answer, { status: 200, text: '{"text":"ü"}' });
  t.is(server.requests[0].authorization, 'Bearer key');
});

test('a redirect is an answer: the key goes to no other host', async (t) => {
  const [server, other] = [await start(t), await start(t)];
  server.faults = [
    (_, response) => {
      response.writeHead(302, { location: `${other.url}/a`, 'retry-after': '3' }).end();
      return true;
    },
  ];
  const { status, retryAfter } = await connect(t, server.url).send(GET, 'probe', LIMITS);
  t.deepEqual([status, retryAfter, other.requests.length], [302, '3', 0]);
});

test('a connection that is refused or cut in the middle is an error that names the question', async (t) => {
  const server = await start(t);
  server.faults = [cut];
  const closed = await LoopbackServer.start({});
  await closed.close().catch(() => {});
  for (const url of [server.url, 'http://127.0.0.1:1']) {
    await t.throwsAsync(connect(t, url).send(GET, 'probe', LIMITS), {
      instanceOf: ConnectionError,
      message: /^probe: the connection failed: .+; expected an answer$/,
    });
  }
});

test('a server that does not answer in time gives no answer', async (t) => {
  const server = await start(t);
  server.faults = [silent];
  const error = await t.throwsAsync(connect(t, server.url).send(GET, 'probe', { ...LIMITS, timeoutMs: 50 }), {
    instanceOf: NoAnswerError,
    message: 'probe: no answer after 0.05 s; expected one within this time limit',
  });
  t.false(error instanceof ConnectionError);
});

test('a body that is too large is refused before it is read whole', async (t) => {
  const server = await start(t);
  server.faults = [sends('x'.repeat(1001))];
  await t.throwsAsync(connect(t, server.url).send(GET, 'probe', LIMITS), {
    instanceOf: SubjectError,
    message: 'probe: the answer is longer than 1000 bytes; expected fewer',
  });
  t.true(await server.isReleased(), 'the rest does not arrive');
  server.faults = [sends('x'.repeat(1000))];
  t.is((await connect(t, server.url).send(GET, 'probe', LIMITS)).text.length, 1000);
});

test('a signal ends an exchange with its own reason and closes the socket', async (t) => {
  const server = await start(t);
  server.faults = [silent];
  const [reason, controller] = [new Error('Ctrl-C'), new AbortController()];
  const sending = connect(t, server.url).send(GET, 'probe', { ...LIMITS, signal: controller.signal });
  while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort(reason);
  t.is(await t.throwsAsync(sending), reason);
  t.true(await server.isReleased());
  t.is(
    await t.throwsAsync(connect(t, server.url).send(GET, 'probe', { ...LIMITS, signal: controller.signal })),
    reason,
  );
  t.is(server.requests.length, 1);
});

test('one socket serves several requests, and closing the connection closes it', async (t) => {
  const server = await start(t);
  const connection = connect(t, server.url);
  for (let i = 0; i < 3; i++) await connection.send(GET, 'probe', LIMITS);
  t.is(await server.connections(), 1);
  connection.close();
  t.true(await server.isReleased());
});
