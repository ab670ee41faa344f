import { STATUS_CODES } from 'node:http';
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

/** What a client gets for any error of a request: of the framework, of a handler or of the engine. */
export function toAnswer(error: unknown): ApiError {
  const { code = '', statusCode = 500, message } = error as Partial<FastifyError>;
  if (error instanceof ApiError || statusCode >= 500) return toApiError(error);
  return new ApiError(statusCode, MESSAGES[code] ?? `cannot read the request: ${message}`, { cause: error });
}

/** Answers a connection whose request is cut, late or no HTTP, and closes it. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = ANSWERS[error.code ?? ''] ?? [400, 'cannot read the request: it is no HTTP'];
  const body = JSON.stringify(new ApiError(status, message).toBody());
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
