import { once } from 'node:events';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { ApiError } from '../../../../engine/server/api-error.ts';
import { answerClientError, checkHead, toAnswer } from '../../../../engine/server/http-errors.ts';

const refusal = (statusCode: number, code: string, message = '') =>
  Object.assign(new Error(message), { statusCode, code });

test('what the framework refuses keeps its status and says what would do', (t) => {
  const media = toAnswer(refusal(415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE'));
  t.deepEqual([media.status, /application\/json/.test(media.message)], [415, true]);
  t.is(toAnswer(refusal(413, 'FST_ERR_CTP_BODY_TOO_LARGE')).status, 413);
  t.like(toAnswer(refusal(400, 'FST_ERR_CTP_INVALID_JSON_BODY', 'Unexpected end')), {
    status: 400,
    message: 'cannot read the request: Unexpected end',
  });
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
    t.throws(() => check({})),
    { status: 400 },
  );
  for (const encoding of ['gzip', 'br', '', 'identity, gzip']) {
    t.like(
      t.throws(() => check({ host: 'a', 'content-encoding': encoding })),
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
  for (const [code, status] of [
    ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
    ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
    ['HPE_INVALID_METHOD', '400 Bad Request'],
  ]) {
    const [head, body] = (await answerTo(code)).split('\r\n\r\n');
    t.true(head.startsWith(`HTTP/1.1 ${status}\r\n`), head);
    t.true(head.includes(`Content-Length: ${Buffer.byteLength(body)}`), head);
    t.is(JSON.parse(body).error.code, Number.parseInt(status, 10));
  }
});

test('what follows a refused request on its connection does not take the answer away', async (t) => {
  const first = 'HPE_INVALID_METHOD';
  t.is(await answerTo(first, first, 'HPE_INVALID_EOF_STATE'), await answerTo(first));
});

test('a connection that the client has reset is not answered', (t) => {
  const socket = new PassThrough();
  answerClientError(Object.assign(new Error(), { code: 'ECONNRESET' }), socket as unknown as Socket);
  t.true(socket.destroyed);
});
