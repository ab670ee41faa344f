import { HubError } from '../errors.ts';

/** The network failed, or the other side fell silent: the same request may succeed later. */
export class HubConnectionError extends HubError {}

/** When an exchange with the hub is given up. */
export interface HubTimeoutOptions {
  /** From a request to the headers of its answer, redirects included, in ms. Default 30 000. */
  answerTimeoutMs?: number;
  /** From one part of a body to the next, in ms; the time that its reader takes does not count. Default 30 000. */
  idleTimeoutMs?: number;
  /** Ends what is under way; its reason is thrown as it is. */
  signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * A `fetch` that waits neither for ever nor after the signal, until the headers arrive and between the parts of the
 * body. It closes the connection that it gives up.
 *
 * @throws HubConnectionError from the request, or from reading the body, if the other side falls silent.
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
    // Where redirects have led: large files lie on a host of their own.
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
    `${url}: waited ${ms / 1000} s in vain for ${URL.parse(from)?.host ?? from} ${what}; try again later, or check ` +
      'the network and HF_ENDPOINT',
  );
}

/** Waits for a promise, at most so long, and not after the signal. */
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
  // No event tells of what has happened before.
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

/** A body each of whose chunks is waited for by `wait`. If that fails, the rest is not read. */
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
          // Not waited for: what is given up may take its time.
          reader.cancel(error).catch(() => {});
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    // Nothing is read ahead, so that no timer runs while the reader of this body is busy.
    { highWaterMark: 0 },
  );
}
