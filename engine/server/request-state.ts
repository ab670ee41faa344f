import type { ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiError } from './api-error.ts';
import type { RequestTokens } from './measured-engine.ts';
import type { Metrics } from './metrics.ts';
import type { OpenRequest, OpenRequests } from './open-requests.ts';
import type { LoggedRequest } from './request-log.ts';
import type { RequestRules } from './request-rules.ts';

/** What is kept of a request until its answer has ended. */
export interface RequestState {
  readonly open: OpenRequest;
  readonly tokens: RequestTokens;
  /** Why it fails; the client gets no more than the error's message. */
  error?: ApiError;
}

/** Where the end of a request is written down. */
export interface RequestSinks {
  readonly metrics: Pick<Metrics, 'countRequest'>;
  readonly open: OpenRequests;
  readonly rules: Pick<RequestRules, 'requestTimeoutMs' | 'stallTimeoutMs'>;
  log(request: LoggedRequest): void;
}

/** A client that has closed its connection before the answer ended. */
class ClientLeftError extends Error {}

/** How often a client that takes nothing is seen to take nothing before its connection is closed. */
const STALL_CHECKS = 4;

/** Opens a request, and ends it when its answer has ended or the client has left. */
export function openRequest(
  { method, url, routeOptions }: Pick<FastifyRequest, 'method' | 'url' | 'routeOptions'>,
  { raw }: Pick<FastifyReply, 'raw'>,
  { metrics, open, rules, log }: RequestSinks,
): RequestState {
  const begun = performance.now();
  const request = open.begin(rules.requestTimeoutMs, () => raw.destroy());
  const watch = watchReader(raw, rules.stallTimeoutMs ?? 60_000);
  const state: RequestState = { open: request, tokens: { promptTokens: 0, completionTokens: 0 } };
  finished(raw, (left) => {
    if (left) request.abort(new ClientLeftError('the client has left'));
    request.end();
    clearInterval(watch);
    const status = raw.headersSent ? raw.statusCode : undefined;
    // Paths that clients make up would be endlessly many series.
    metrics.countRequest(routeOptions.url ?? 'unknown', status ?? 'left');
    const path = pathOf(url);
    const ms = performance.now() - begun;
    log({ time: new Date(), method, path, status, ms, ...state.tokens, error: state.error });
  });
  return state;
}

/** Closes the connection of a client that takes nothing: its answer would be kept for ever. */
function watchReader(raw: ServerResponse, stallTimeoutMs: number): NodeJS.Timeout {
  let [waitingBytes, numChecks] = [0, 0];
  return setInterval(() => {
    const isStalled = raw.writableNeedDrain && raw.writableLength === waitingBytes;
    numChecks = isStalled ? numChecks + 1 : 0;
    waitingBytes = raw.writableLength;
    if (numChecks === STALL_CHECKS) raw.destroy();
  }, stallTimeoutMs / STALL_CHECKS);
}

/** A URL without its query, which may hold what a client keeps secret. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0];
}
