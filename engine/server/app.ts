import { Readable } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { readPackageJson } from '../terminal/package-json.ts';
import { allowOrigin, checkApiKey } from './access.ts';
import { ApiError } from './api-error.ts';
import { checkBodyShape } from './body-shape.ts';
import type { Handler, ServerContext } from './context.ts';
import { answerClientError, answerUnusual, checkHead, toAnswer } from './http-errors.ts';
import { inTurns, jsonPieces } from './json-pieces.ts';
import { measuredEngine } from './measured-engine.ts';
import type { Metrics } from './metrics.ts';
import { textOf, withToolsJson } from './request-body.ts';
import type { RequestRules } from './request-rules.ts';
import { openRequest, pathOf, type RequestSinks, type RequestState } from './request-state.ts';
import { findServedModel, listModels } from './served-model.ts';
import { eventStream } from './sse.ts';

/** What the application is put together from. */
export interface AppOptions extends RequestSinks {
  readonly context: ServerContext;
  readonly metrics: Metrics;
  readonly rules: RequestRules;
  /** What answers a POST, by path. */
  readonly handlers: Readonly<Record<string, Handler>>;
  /** Why requests are refused; undefined while they are served. */
  whyClosed(): Error | undefined;
}

/** How often Node looks for requests that do not arrive in time, as a part of that time. */
const CHECKS_PER_TIMEOUT = 4;
/** Characters of a model's name in a path. */
const MAX_NAME_LENGTH = 500;
const METHODS = ['GET', 'POST'] as const;

/** The server's routes. It listens to nothing yet. */
export function createApp(options: AppOptions): FastifyInstance {
  const { context, metrics, rules, whyClosed } = options;
  const { receiveTimeoutMs = 30_000, maxBodyBytes = 2 ** 20 } = rules;
  const states = new WeakMap<FastifyRequest, RequestState>();
  const sendError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const state = states.get(request);
    const answer = toAnswer(error);
    if (state) state.error = answer;
    if (answer.status === 401) reply.header('www-authenticate', 'Bearer');
    // The rest of the body is read and dropped: a connection that is closed meanwhile would lose the answer.
    if (answer.status === 413) reply.removeHeader('connection');
    if (answer.retryAfter !== undefined) reply.header('retry-after', answer.retryAfter);
    return reply.code(answer.status).send(answer.toBody());
  };
  const app = Fastify({
    bodyLimit: maxBodyBytes,
    requestTimeout: receiveTimeoutMs,
    http: {
      // Node refuses a time for the head that is longer than that for the whole, 5 minutes by default.
      requestTimeout: receiveTimeoutMs,
      headersTimeout: receiveTimeoutMs,
      // checkHead() refuses such requests, with a body.
      requireHostHeader: false,
      connectionsCheckingInterval: Math.ceil(receiveTimeoutMs / CHECKS_PER_TIMEOUT),
    },
    routerOptions: { maxParamLength: MAX_NAME_LENGTH },
    // The hook below refuses requests while the server closes, in the form of the API.
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply),
  });
  app.setErrorHandler(sendError);
  answerUnusual(app.server);
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    const { tools } = checkBodyShape(bytes);
    parseJson(request, textOf(bytes), (error, body) =>
      done(error, error || !tools ? body : withToolsJson(body, textOf(bytes.subarray(...tools)))),
    );
  });
  app.setNotFoundHandler((request, reply) => {
    throw notFound(app, request, reply);
  });
  app.addHook('onRequest', async (request, reply) => {
    states.set(request, openRequest(request, reply, options));
    checkHead(request.raw);
    if (rules.allowOrigin !== undefined && allowOrigin(rules.allowOrigin, request, reply)) {
      return await reply.code(204).send();
    }
    if (request.routeOptions.url !== '/health') checkApiKey(rules.apiKey, request.headers.authorization);
    const reason = whyClosed();
    if (!reason) return;
    reply.header('connection', 'close');
    throw new ApiError(503, `cannot serve requests any more: ${reason.message}`, { cause: reason });
  });
  app.get('/health', () => ({ status: 'ok' }));
  app.get('/version', () => ({ version: readPackageJson().version }));
  app.get('/metrics', async (_, reply) => await reply.type(metrics.contentType).send(await metrics.read()));
  app.get('/v1/models', () => listModels(context));
  app.get<{ Params: { model: string } }>('/v1/models/:model', ({ params }) =>
    findServedModel(params.model, context),
  );
  for (const [path, handler] of Object.entries(options.handlers)) {
    app.post(path, (request, reply) =>
      answer(handler, { request, reply, state: states.get(request)! }, options),
    );
  }
  return app;
}

/** A request at its handler. */
interface Handled {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly state: RequestState;
}

/** Sends what a handler returns: an object as JSON, chunks as server-sent events. */
async function answer(
  handler: Handler,
  { request, reply, state }: Handled,
  { context, metrics }: AppOptions,
): Promise<unknown> {
  state.open.isArriving = false;
  const engine = measuredEngine(context.engine, metrics, state.tokens);
  const result = handler(request.body, { ...context, engine }, state.open.signal);
  if (!(Symbol.asyncIterator in result)) return await sendJson(await result, reply);
  const stream = await eventStream(noteError(result, state));
  return await reply
    .type('text/event-stream; charset=utf-8')
    .header('cache-control', 'no-cache')
    .send(stream);
}

/** Sends an answer, in pieces if it is long. */
async function sendJson(value: object, reply: FastifyReply): Promise<unknown> {
  reply.type('application/json; charset=utf-8');
  const pieces = jsonPieces(value);
  const [first, second] = [pieces.next(), pieces.next()];
  if (second.done) return await reply.send(first.value);
  const all = function* () {
    yield first.value as string;
    yield second.value as string;
    yield* pieces;
  };
  return await reply.send(Readable.from(inTurns(all())));
}

/** Passes chunks on. An error after the head of the answer is seen here alone. */
async function* noteError(
  chunks: AsyncGenerator<object, void>,
  state: RequestState,
): AsyncGenerator<object, void> {
  try {
    yield* chunks;
  } catch (error) {
    state.error = toAnswer(error);
    throw error;
  }
}

function notFound(app: FastifyInstance, { method, url }: FastifyRequest, reply: FastifyReply): ApiError {
  const path = pathOf(url);
  const allowed = METHODS.filter((other) => app.hasRoute({ url: path, method: other }));
  if (allowed.length === 0)
    return new ApiError(404, `cannot find ${path}; plumbline serve --help has the routes`);
  reply.header('allow', allowed.join(', '));
  return new ApiError(405, `cannot ${method} ${path}; use ${allowed.join(' or ')}`);
}
