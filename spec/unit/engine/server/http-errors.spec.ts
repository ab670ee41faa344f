import { once } from 'node:events';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { mock } from 'node:test';
import test from 'ava';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { answerClientError, checkHead, toAnswer } from '../../../../engine/server/http-errors.ts';

const refusal = (statusCode: number, code: string, message = '') =>
  Object.assign(new Error(message), { statusCode, code });

test('what the framework refuses keeps its status and says what would do', (t) => {
  for (const [statusCode, code, message] of [
    [
      415,
      'FST_ERR_CTP_INVALID_MEDIA_TYPE',
      'cannot read a body of this type; send "Content-Type: application/json"',
    ],
    [
      413,
      'FST_ERR_CTP_BODY_TOO_LARGE',
      'cannot read the body: it is too large; send fewer or shorter prompts',
    ],
    [400, 'FST_ERR_CTP_EMPTY_JSON_BODY', 'cannot read an empty body; send a JSON object'],
    [
      400,
      'FST_ERR_CTP_INVALID_CONTENT_LENGTH',
      'cannot read the body: it has another length than its head says',
    ],
    [400, 'FST_ERR_CTP_INVALID_JSON_BODY', 'cannot read the request: Unexpected end'],
    [499, 'FST_ERR_OTHER', 'cannot read the request: Unexpected end'],
  ] as const) {
    const cause = refusal(statusCode, code, 'Unexpected end');
    const { status, message: shown, cause: kept } = toAnswer(cause);
    t.deepEqual([status, shown], [statusCode, message]);
    t.is(kept, cause);
  }
});

test('an error of a handler stays itself, and one of the framework is a bug', (t) => {
  const known = new ApiError(429, 'full');
  t.is(toAnswer(known), known);
  t.is(toAnswer(refusal(500, 'FST_ERR_REP_ALREADY_SENT')).status, 500);
  t.is(toAnswer(new TypeError()).status, 500);
});

test('a head needs a host from HTTP/1.1 on, and says that the body is not compressed', (t) => {
  const check = (headers: Record<string, string>, httpVersion = '1.1') => checkHead({ headers, httpVersion });
  for (const encoding of ['identity', 'Identity', 'IDENTITY']) {
    t.notThrows(() => check({ host: 'a', 'content-encoding': encoding }), encoding);
  }
  t.notThrows(() => check({ host: 'a' }));
  t.notThrows(() => check({}, '1.0'));
  t.like(
    t.throws(() => check({}), { message: 'cannot read the request: it has no Host header' }),
    { status: 400 },
  );
  for (const encoding of ['gzip', 'br', '', 'identity, gzip']) {
    t.like(
      t.throws(() => check({ host: 'a', 'content-encoding': encoding }), {
        message: 'cannot read a compressed body; send it without Content-Encoding',
      }),
      { status: 415 },
      encoding,
    );
  }
});

/** @param codes of the errors that Node's parser has found on one connection, before its client has read. */
async function answerTo(...codes: string[]): Promise<string> {
  const socket = new PassThrough();
  for (const code of codes) {
    answerClientError(Object.assign(new Error(code), { code }), socket as unknown as Socket);
  }
  const ended = once(socket, 'end');
  let text = '';
  for await (const chunk of socket) text += chunk;
  await ended;
  return text;
}

test('a request that is late, too large or no HTTP is answered in the form of the API', async (t) => {
  for (const [code, status, message] of [
    ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout', 'it did not arrive in time; send it whole'],
    ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large', 'its head is too large'],
    ['HPE_INVALID_METHOD', '400 Bad Request', 'it is no HTTP'],
  ]) {
    const [head, body] = (await answerTo(code)).split('\r\n\r\n');
    t.deepEqual(head.split('\r\n'), [
      `HTTP/1.1 ${status}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Connection: close',
    ]);
    const number = Number.parseInt(status, 10);
    t.deepEqual(JSON.parse(body), new ApiError(number, `cannot read the request: ${message}`).toBody());
  }
});

test.serial('a client that does not take its answer in a second is left', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  const error = Object.assign(new Error(), { code: 'HPE_INVALID_METHOD' });
  const socket = new PassThrough();
  answerClientError(error, socket as unknown as Socket);
  mock.timers.tick(999);
  t.false(socket.destroyed);
  mock.timers.tick(1);
  t.true(socket.destroyed);
});

test('what follows a refused request on its connection does not take the answer away', async (t) => {
  const first = 'HPE_INVALID_METHOD';
  t.is(await answerTo(first, first, 'HPE_INVALID_EOF_STATE'), await answerTo(first));
});

test('a connection that the client has reset is not answered', (t) => {
  const socket = new PassThrough();
  answerClientError(Object.assign(new Error(), { code: 'ECONNRESET' }), socket as unknown as Socket);
  t.deepEqual([socket.destroyed, socket.readableLength], [true, 0]);
});
