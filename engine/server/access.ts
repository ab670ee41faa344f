import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';

/**
 * Checks the key of a request in constant time.
 *
 * @param key that the server was given; undefined if it wants none.
 * @param authorization the header of that name.
 * @throws ApiError 401 if the key is missing or another. The message does not repeat it.
 */
export function checkApiKey(key: string | undefined, authorization: string | undefined): void {
  if (key === undefined) return;
  const [, given] = /^Bearer +(.*)$/i.exec(authorization ?? '') ?? [];
  // Digests have one length, so that the comparison does not depend on that of the key.
  if (given !== undefined && timingSafeEqual(digest(given), digest(key))) return;
  const found = given === undefined ? 'found no API key' : 'found another API key than the server has';
  throw new ApiError(401, `cannot admit the request: ${found}; send "Authorization: Bearer KEY"`);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** How long a browser may keep the answer to its question, in seconds. */
const MAX_AGE_S = 600;

/**
 * Allows the pages of one origin to read answers in a browser (the Fetch standard's CORS protocol).
 *
 * @param allowed an origin such as `https://example.org`, or `*`.
 * @returns whether the request is a browser's question whether it may ask, which is answered by the headers
 * alone.
 */
export function allowOrigin(
  allowed: string,
  request: Pick<FastifyRequest, 'method' | 'headers'>,
  reply: Pick<FastifyReply, 'header'>,
): boolean {
  const { origin } = request.headers;
  if (allowed !== '*') reply.header('vary', 'Origin');
  if (origin === undefined || (allowed !== '*' && origin !== allowed)) return false;
  reply.header('access-control-allow-origin', allowed);
  if (request.method !== 'OPTIONS') return false;
  reply.header('access-control-allow-methods', 'GET, POST');
  reply.header('access-control-allow-headers', 'Authorization, Content-Type');
  reply.header('access-control-max-age', MAX_AGE_S);
  return true;
}
