import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { ServerError } from '../errors.ts';
import { Admission } from './admission.ts';
import { ApiError } from './api-error.ts';
import { createApp } from './app.ts';
import type { Handler, ServerContext } from './context.ts';
import { Metrics } from './metrics.ts';
import { OpenRequests } from './open-requests.ts';
import { formatRequest, type LogFormat } from './request-log.ts';
import type { RequestRules } from './request-rules.ts';
import { createVocabulary } from './served-vocabulary.ts';
import type { ServedModel } from './start-threads.ts';

/** How a loaded model is served. */
export interface ServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly servedModelName: string;
  /** Sequences that may wait beside those that are computed. */
  readonly maxQueue: number;
  /** The most probable tokens that a request may ask for; −1 for the whole vocabulary. */
  readonly maxLogprobs: number;
  readonly rules: RequestRules;
  /** What answers a POST, by path. */
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly logFormat: LogFormat;
  /** Writes lines of the log. */
  log(lines: string): void;
}

/** How long clients may take to receive the errors of their aborted requests, in ms. */
const FAREWELL_MS = 1500;
/** How long a server whose engine is broken waits for a question about its health, in ms. */
const FAILED_MS = 5000;

/** A model behind an HTTP interface. */
export class Server {
  readonly #model: ServedModel;
  readonly #app: FastifyInstance;
  readonly #open = new OpenRequests();
  readonly #ended = Promise.withResolvers<void>();
  readonly #seenUnhealthy = Promise.withResolvers<void>();
  #url = '';
  #whyClosed: Error | undefined;

  private constructor(model: ServedModel, options: ServerOptions) {
    const { rules, handlers, logFormat, log } = options;
    this.#model = model;
    const { engine } = model;
    const admission = new Admission({ maxBatch: engine.limits.maxBatch, maxQueue: options.maxQueue });
    this.#app = createApp({
      context: contextOf(model, options, admission),
      metrics: new Metrics({ stats: () => engine.stats, numOpen: () => admission.open }),
      open: this.#open,
      ...{ rules, handlers },
      whyClosed: () => this.#whyClosed,
      log: (request) => {
        if (request.path === '/health' && request.status === 503) this.#seenUnhealthy.resolve();
        const line = formatRequest(request, logFormat);
        if (line !== '') log(line);
      },
    });
    engine.onFailure((error) => void this.#fail(error));
  }

  /**
   * Serves a model from now on. The server owns the model's threads, and ends them when it closes, or cannot
   * be started.
   *
   * @throws ServerError if it cannot listen where it is to.
   */
  static async start(model: ServedModel, options: ServerOptions): Promise<Server> {
    const server = new Server(model, options);
    const { host, port } = options;
    try {
      await server.#app.listen({ host, port });
    } catch (cause) {
      await server.close(0);
      const { code } = cause as NodeJS.ErrnoException;
      throw new ServerError(
        `cannot listen on ${host}, port ${port} (${code}); give another --host or --port`,
        {
          cause,
        },
      );
    }
    const { address, family, port: bound } = server.#app.server.address() as AddressInfo;
    server.#url = `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
    return server;
  }

  /** Without a path: `http://127.0.0.1:8000`. */
  get url(): string {
    return this.#url;
  }

  /** Resolves when the server has closed; rejects when its engine has failed and everything has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * Refuses new requests, lets those on their way finish, and ends everything.
   *
   * @param graceMs after which requests that have not finished are ended with an error.
   */
  async close(graceMs: number): Promise<void> {
    if (this.#whyClosed) return await this.ended;
    this.#whyClosed = new ServerError('the server is shutting down');
    try {
      await this.#end(graceMs);
      this.#ended.resolve();
    } catch (error) {
      this.#ended.reject(error);
    }
    await this.ended;
  }

  async #fail(error: Error): Promise<void> {
    const wasClosing = this.#whyClosed !== undefined;
    this.#whyClosed = error;
    // While it closes, the engine's failure ends the last requests, and close() ends the rest.
    if (wasClosing) return;
    await within(FAILED_MS, this.#seenUnhealthy.promise);
    await this.#end(0).catch(() => {});
    this.#ended.reject(error);
  }

  /** Closes the application, then the threads, which have no requests any more. */
  async #end(graceMs: number): Promise<void> {
    const appClosed = this.#app.close();
    const reason = new ApiError(503, 'cannot finish the request: the server is shutting down');
    this.#open.abortArriving(reason);
    await within(graceMs, this.#open.ended());
    this.#open.abortAll(reason);
    await within(FAREWELL_MS, this.#open.ended());
    // The connections that are left have sent half a request, or do not read.
    this.#app.server.closeAllConnections();
    await appClosed;
    await Promise.all([this.#model.engine.close(), this.#model.text?.close()]);
  }
}

function contextOf(
  { engine, text, templateTraits, systemFingerprint }: ServedModel,
  { servedModelName, maxLogprobs }: ServerOptions,
  admission: Admission,
): ServerContext {
  return {
    engine,
    text: text ?? noText(),
    vocabulary: createVocabulary(text?.vocabulary),
    ...{ templateTraits, servedModelName, systemFingerprint, maxLogprobs },
    created: Math.floor(Date.now() / 1000),
    admit: (numSequences) => admission.admit(numSequences),
  };
}

/** The text of a model that has no tokenizer files. */
function noText(): ServerContext['text'] {
  const refuse = async () => {
    throw new ApiError(400, 'cannot turn text into tokens: the model has no tokenizer files; send token ids');
  };
  return { encode: refuse, encodeChat: refuse, decode: refuse, tokens: refuse };
}

/** Waits for a promise, but not longer than that. @param ms may be 0. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  try {
    await Promise.race([promise, sleep(ms, undefined, { signal })]);
  } finally {
    controller.abort();
  }
}
