import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A parsed request body. */
export type Body = Readonly<Record<string, unknown>>;

/**
 * What answers a method and path, e.g. `POST /completion`: JSON, or an {@link HttpProblem} that is thrown.
 */
export type Routes = Readonly<Record<string, (body: Body) => unknown>>;

/** An answer in parts: each is sent by itself. */
export class Streamed {
  readonly events: readonly unknown[];
  readonly form: 'server-sent events' | 'lines';

  /** @param form server-sent events, or a JSON in each line. */
  constructor(events: readonly unknown[], form: 'server-sent events' | 'lines' = 'server-sent events') {
    this.events = events;
    this.form = form;
  }

  /** As it goes over the network. @param last a line of text after the events */
  lines(last?: string): string[] {
    const data = [...this.events.map((event) => JSON.stringify(event)), ...(last ? [last] : [])];
    return this.form === 'lines' ? data.map((json) => `${json}\n`) : data.map((json) => `data: ${json}\n\n`);
  }
}

/** A refusal with a status. */
export class HttpProblem extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface RecordedRequest {
  /** Method and path. */
  readonly line: string;
  readonly body: Body;
  readonly authorization: string | undefined;
}

/**
 * Answers a request in place of the routes. @returns true if it did.
 */
export type Fault = (request: RecordedRequest, response: ServerResponse) => boolean;

/** An HTTP server on 127.0.0.1 at a free port. Tests change its faults while it runs. */
export class LoopbackServer {
  readonly requests: RecordedRequest[] = [];
  /** Asked in order before the routes. */
  faults: Fault[] = [];
  /** Changes an answer before it is sent. */
  alter: (answer: unknown, request: RecordedRequest) => unknown = (answer) => answer;
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error) => response.destroy(error));
  });
  readonly #routes: Routes;

  private constructor(routes: Routes) {
    this.#routes = routes;
    // Only clients close connections.
    this.#server.keepAliveTimeout = 600_000;
  }

  static async start(routes: Routes): Promise<LoopbackServer> {
    const server = new LoopbackServer(routes);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections that clients hold open. */
  async connections(): Promise<number> {
    return await new Promise((resolve, reject) =>
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  }

  /**
   * Waits until clients hold no connection. @returns false after three seconds: a client leaves them to its
   * own time limit.
   */
  async isReleased(): Promise<boolean> {
    const deadline = Date.now() + 3000;
    while ((await this.connections()) > 0) {
      if (Date.now() > deadline) return false;
      await sleep(5);
    }
    return true;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const recorded = {
      line: `${request.method} ${request.url}`,
      body: text === '' ? {} : JSON.parse(text),
      authorization: request.headers.authorization,
    };
    this.requests.push(recorded);
    if (this.faults.some((fault) => fault(recorded, response))) return;
    const route = this.#routes[recorded.line];
    try {
      if (!route) throw new HttpProblem(404, 'Not Found');
      const answer = this.alter(await route(recorded.body), recorded);
      if (answer instanceof Streamed) sendStream(response, answer);
      else sendJson(response, 200, answer);
    } catch (error) {
      const status = error instanceof HttpProblem ? error.status : 500;
      sendJson(response, status, { error: { message: String(error), code: status } });
    }
  }
}

/** Sends JSON; `undefined` and not finite numbers become null, as in JSON.stringify. */
export function sendJson(response: ServerResponse, status: number, answer: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}

function sendStream(response: ServerResponse, answer: Streamed): void {
  const isLines = answer.form === 'lines';
  response.writeHead(200, { 'content-type': isLines ? 'application/x-ndjson' : 'text/event-stream' });
  for (const line of answer.lines(isLines ? undefined : '[DONE]')) response.write(line);
  response.end();
}

/** A field of a request that must be a list of ids. @throws HttpProblem 400 */
export function idsOf(value: unknown): number[] {
  if (Array.isArray(value) && value.length > 0 && value.every((id) => Number.isInteger(id))) return value;
  throw new HttpProblem(400, 'expected a list of token ids');
}

/** A number of a request. */
export function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
