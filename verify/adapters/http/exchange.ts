import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { NoAnswerError, SubjectError } from '../../errors.ts';

/** A request of an HTTP API. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Begins with "/"; it is appended to the server's URL. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** What came, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** The connection failed, or closed before the answer was complete. The request may be sent again. */
export class ConnectionError extends NoAnswerError {}

/** Limits of one exchange. */
export interface ExchangeLimits {
  /** From the request to the end of its answer. */
  readonly timeoutMs: number;
  /** The most bytes of an answer's body; a longer one is refused. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * Sockets to one server, kept for further requests. `node:http` in place of the global fetch, whose sockets
 * stay open until the process ends.
 */
export class Connection {
  readonly #base: URL;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * @param url http or https, with or without a path before the API's.
   * @param headers sent with each request.
   */
  constructor(url: URL, headers: Readonly<Record<string, string>> = {}) {
    this.#base = url;
    this.#agent =
      url.protocol === 'https:' ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
    this.#headers = headers;
  }

  /**
   * Sends a request, once. Redirects are not followed, so that no key reaches another host.
   *
   * @param asked what is asked; messages begin with it.
   * @throws ConnectionError if the connection fails; NoAnswerError after the time limit; SubjectError if
   * the body is too large; the signal's reason as it is.
   */
  async send(
    { method, path, body }: HttpRequest,
    asked: string,
    limits: ExchangeLimits,
  ): Promise<HttpAnswer> {
    const { timeoutMs, maxBytes, signal } = limits;
    signal?.throwIfAborted();
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`;
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const late = AbortSignal.timeout(timeoutMs);
    try {
      return await new Promise<HttpAnswer>((resolve, reject) => {
        const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
        const request = send(url, {
          method,
          agent: this.#agent,
          signal: signal ? AbortSignal.any([signal, late]) : late,
          headers: {
            ...this.#headers,
            accept: 'application/json, text/event-stream, application/x-ndjson',
            ...(content ? { 'content-type': 'application/json', 'content-length': content.length } : {}),
          },
        });
        request.on('error', reject);
        request.on('response', (response) => {
          readBody(response, asked, maxBytes).then(
            (text) =>
              resolve({
                status: response.statusCode ?? 0,
                retryAfter: response.headers['retry-after'],
                text,
              }),
            (error) => {
              request.destroy();
              reject(error);
            },
          );
        });
        request.end(content);
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SubjectError) throw error;
      if (late.aborted) {
        throw new NoAnswerError(
          `${asked}: no answer after ${timeoutMs / 1000} s; expected one within this time limit`,
        );
      }
      const { message, code } = error as NodeJS.ErrnoException;
      throw new ConnectionError(`${asked}: the connection failed: ${message || code}; expected an answer`, {
        cause: error,
      });
    }
  }

  /** Closes all sockets; exchanges that are on their way fail. */
  close(): void {
    this.#agent.destroy();
  }
}

async function readBody(response: IncomingMessage, asked: string, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new SubjectError(`${asked}: the answer is longer than ${maxBytes} bytes; expected fewer`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
