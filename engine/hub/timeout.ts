import { HubError } from '../errors.ts';

/** The network failed or the server stopped sending; the same request may succeed later. */
export class HubConnectionError extends HubError {}

/** Time limits of a request to the hub. */
export interface HubTimeoutOptions {
  /** From a request to the headers of its answer, including redirects, in ms. Default 30 000. */
  answerTimeoutMs?: number;
  /** Between two parts of a body, in ms; the reader's own time does not count. Default 30 000. */
  idleTimeoutMs?: number;
  /** Ends the request; its reason is thrown as it is. */
  signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * A `fetch` with time limits for the headers and between the parts of the body, which also ends at a signal.
 * It closes connections that reach a limit.
 *
 * @throws HubConnectionError from the request or from reading the body, if the server stops sending.
 */
export function fetchInTime(
  plainFetch: typeof fetch,
  {
    answerTimeoutMs = DEFAULT_TIMEOUT_MS,
    idleTimeoutMs = DEFAULT_TIMEOUT_MS,
    signal,
  }: HubTimeoutOptions = {},
): (url: string, init?: RequestInit) => Promise<Response> {
  return async (url, init) => {
    signal?.throwIfAborted();
    const exchange = new AbortController();
    const answer = plainFetch(url, { ...init, signal: exchange.signal });
    const late = () => silent(url, url, answerTimeoutMs, 'to answer');
    const response = await inTime(answer, answerTimeoutMs, late, signal).catch((error) => {
      exchange.abort();
      throw error;
    });
    if (!response.body) return response;
    let done = 0;
    // After redirects: large files are on another host.
    const from = response.url || url;
    const body = guarded(response.body.getReader(), async (reading) => {
      const late = () => silent(url, from, idleTimeoutMs, `to go on after ${done} bytes of its answer`);
      const chunk = await inTime(reading, idleTimeoutMs, late, signal);
      done += chunk.value?.byteLength ?? 0;
      return chunk;
    });
    return new Response(body, response);
  };
}

function silent(url: string, from: string, ms: number, what: string): HubConnectionError {
  return new HubConnectionError(
    `${url}: waited ${ms / 1000} s for ${URL.parse(from)?.host ?? from} ${what}; try again later, or check ` +
      'the network and HF_ENDPOINT',
  );
}

/** Waits for a promise, for at most `ms` and until the signal. */
async function inTime<T>(
  promise: Promise<T>,
  ms: number,
  late: () => HubConnectionError,
  signal: AbortSignal | undefined,
): Promise<T> {
  const { promise: ending, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal?.reason);
  const timer = setTimeout(() => reject(late()), ms);
  signal?.addEventListener('abort', onAbort);
  // An aborted signal emits no further event.
  if (signal?.aborted) onAbort();
  try {
    return await Promise.race([promise, ending]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
type Chunk = Awaited<ReturnType<Reader['read']>>;

/** A body whose chunks are read through `wait`. If that throws, the rest is not read. */
function guarded(
  reader: Reader,
  wait: (reading: Promise<Chunk>) => Promise<Chunk>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await wait(reader.read());
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          // Not awaited: cancelling a stalled body may take long.
          reader.cancel(error).catch(() => {});
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    // No read-ahead, so that no time limit runs while the reader of this body is busy.
    { highWaterMark: 0 },
  );
}
