import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyError } from 'fastify';
import { ApiError, toApiError } from './api-error.ts';

/** What the framework refuses before a handler is called, by its codes. */
const MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'cannot read the body: it is too large; send fewer or shorter prompts',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'cannot read a body of this type; send "Content-Type: application/json"',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'cannot read an empty body; send a JSON object',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'cannot read the body: it has another length than its head says',
};

/** The answers to what never becomes a request, by the codes of Node's HTTP parser. */
const ANSWERS: Readonly<Record<string, [status: number, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'cannot read the request: it did not arrive in time; send it whole'],
  HPE_HEADER_OVERFLOW: [431, 'cannot read the request: its head is too large'],
};

/** How long a client may take to receive its answer and close the connection, in ms. */
const FAREWELL_MS = 1000;

const JSON_TYPE = 'application/json; charset=utf-8';

/** What a client gets for any error of a request: of the framework, of a handler or of the engine. */
export function toAnswer(error: unknown): ApiError {
  const { code = '', statusCode = 500, message } = error as Partial<FastifyError>;
  if (error instanceof ApiError || statusCode >= 500) return toApiError(error);
  return new ApiError(statusCode, MESSAGES[code] ?? `cannot read the request: ${message}`, { cause: error });
}

/** Answers a connection whose request is cut, late or no HTTP, and closes it. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  // What follows a request that is refused is no request either: the answer is on its way.
  if (socket.writableEnded && !socket.destroyed) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = ANSWERS[error.code ?? ''] ?? [400, 'cannot read the request: it is no HTTP'];
  endWith(new ApiError(status, message), socket);
}

/** Answers what Node's server would close or answer without a body. */
export function answerUnusual(server: Server): void {
  server.on('connect', (_, socket: Socket) => {
    // Node's server has let go of the socket: without these it is not read, and a reset ends the process.
    socket.on('error', () => {}).resume();
    endWith(new ApiError(405, 'cannot CONNECT: this server is no proxy'), socket);
  });
  server.on('checkExpectation', ({ headers }, response) => {
    const message = `cannot meet "Expect: ${headers.expect}"; expected 100-continue, or no such header`;
    response.writeHead(417, { 'content-type': JSON_TYPE });
    response.end(JSON.stringify(new ApiError(417, message).toBody()));
  });
}

/**
 * Refuses what the framework does not look at.
 *
 * @throws ApiError 400 if HTTP/1.1 has no Host, 415 if the body is compressed.
 */
export function checkHead({ headers, httpVersion }: Pick<IncomingMessage, 'headers' | 'httpVersion'>): void {
  if (httpVersion === '1.1' && headers.host === undefined) {
    throw new ApiError(400, 'cannot read the request: it has no Host header');
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return;
  throw new ApiError(415, 'cannot read a compressed body; send it without Content-Encoding');
}

/** Answers, and closes the connection, at the latest after a second. */
function endWith(error: ApiError, socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), FAREWELL_MS);
  socket.once('close', () => clearTimeout(timer));
  const body = JSON.stringify(error.toBody());
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    `Content-Type: ${JSON_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
