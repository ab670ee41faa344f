import { NoAnswerError, SubjectError } from '../../errors.ts';
import { readEvents } from './events.ts';
import { Connection, ConnectionError, type HttpAnswer, type HttpRequest } from './exchange.ts';
import { excerpt, HttpStatusError, LOCKED } from './nonsense.ts';
import {
  busyPause,
  type Clock,
  connectionPause,
  isBusy,
  MAX_BUSY_MS,
  MAX_CONNECTION_TRIES,
  SYSTEM_CLOCK,
} from './retries.ts';

/** Rows of 64 tokens for a prompt of 32,768 positions take about 150 MB of JSON in one answer. */
const MAX_BYTES = 256 * 2 ** 20;

export interface ClientOptions {
  readonly url: URL;
  /** Sent as a bearer token. Errors may show it where a server repeats it. */
  readonly apiKey?: string;
  /** The time limit of one request, in ms. */
  readonly timeoutMs: number;
  readonly clock?: Clock;
  /** The most bytes of an answer's body. Default 256 MiB. */
  readonly maxBytes?: number;
}

/** Asks one server and reads JSON. A busy server is waited for, a failed connection is tried again. */
export class Client {
  readonly #connection: Connection;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    const { apiKey, url } = options;
    this.#options = options;
    this.#connection = new Connection(url, apiKey ? { authorization: `Bearer ${apiKey}` } : {});
  }

  /**
   * @param what is asked, e.g. `forward: position 5 of 37`; messages begin with it.
   * @returns the JSON of a successful answer.
   * @throws HttpStatusError if the server refuses; SubjectError if what it sends is not JSON or is an error
   * all the same; NoAnswerError if it does not answer in time or closes the connection each time; the
   * signal's reason.
   */
  async json(request: HttpRequest, what: string, signal?: AbortSignal): Promise<unknown> {
    const asked = `${what} (${request.method} ${request.path})`;
    const { status, text } = await this.#succeed(request, asked, signal);
    const json = this.#parse(text, asked);
    const error = typeof json === 'object' && json !== null && 'error' in json ? json.error : undefined;
    if (error) {
      throw new SubjectError(
        `${asked}: the server answers ${status} with an error: ${excerpt(text)}; expected a result`,
      );
    }
    return json;
  }

  /**
   * Asks for an answer that comes in parts, and waits for the last one.
   *
   * @returns the JSON of each part. @throws as {@link json}
   */
  async events(request: HttpRequest, what: string, signal?: AbortSignal): Promise<unknown[]> {
    const asked = `${what} (${request.method} ${request.path}, streamed)`;
    const { text } = await this.#succeed(request, asked, signal);
    return readEvents(asked, text);
  }

  close(): void {
    this.#connection.close();
  }

  async #succeed(request: HttpRequest, asked: string, signal?: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#send(request, asked, signal);
    const { status, text } = answer;
    if (status >= 200 && status <= 299) return answer;
    throw new HttpStatusError(
      `${asked}: the server answers ${status}: ${excerpt(text)}${adviceFor(status)}`,
      status,
    );
  }

  async #send(request: HttpRequest, asked: string, signal?: AbortSignal): Promise<HttpAnswer> {
    const { timeoutMs, clock = SYSTEM_CLOCK, maxBytes = MAX_BYTES } = this.#options;
    const begin = clock.now();
    let [failures, refusals] = [0, 0];
    for (;;) {
      let pause: number;
      try {
        const answer = await this.#connection.send(request, asked, { timeoutMs, maxBytes, signal });
        if (!isBusy(answer.status)) return answer;
        pause = busyPause(answer.retryAfter, ++refusals, clock.now());
        if (clock.now() - begin + pause > MAX_BUSY_MS) {
          const shown = excerpt(answer.text);
          throw new NoAnswerError(
            `${asked}: the server is busy: it has answered ${answer.status} ${times(refusals)}, at last: ${shown}; ` +
              `expected an answer within ${MAX_BUSY_MS / 1000} s`,
          );
        }
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        if (++failures === MAX_CONNECTION_TRIES) {
          throw new NoAnswerError(`${error.message}; tried ${times(failures)}`, { cause: error });
        }
        pause = connectionPause(failures);
      }
      await clock.wait(pause, signal).catch((error) => {
        signal?.throwIfAborted();
        throw error;
      });
    }
  }

  #parse(text: string, asked: string): unknown {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new SubjectError(`${asked}: the answer is not JSON: ${excerpt(text)}; expected a JSON object`, {
        cause,
      });
    }
  }
}

function adviceFor(status: number): string {
  if (LOCKED.includes(status)) return '; name the variable that holds its key: --api-key-env';
  if (status >= 300 && status < 400) return '; redirects are not followed, name the final URL';
  return '';
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
