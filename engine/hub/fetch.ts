import { setTimeout as sleep } from 'node:timers/promises';
import { HubError } from '../errors.ts';
import type { HubSettings } from './settings.ts';
import { fetchInTime, HubConnectionError, type HubTimeoutOptions } from './timeout.ts';

/** How requests are sent. */
export interface HubFetchOptions extends HubTimeoutOptions {
  /** Default: the global fetch. It must not forward `Authorization` to another origin (Fetch standard). */
  fetch?: typeof fetch;
  /** Waits for some ms before a request is repeated, or until the signal. Default: a timer. */
  delay?: (ms: number, signal?: AbortSignal) => Promise<unknown>;
}

/**
 * A request is sent at most four times, after pauses of 1, 2 and 4 s unless the hub asks for longer ones.
 */
export const MAX_TRIES = 4;
const FIRST_PAUSE_MS = 1000;
/** If the hub asks for a longer pause, the request fails: users do not wait longer at a terminal. */
const LONGEST_PAUSE_MS = 60_000;

/** HTTP status of a request for a part that begins after the end of the file. */
export const RANGE_NOT_SATISFIABLE = 416;

/**
 * A `fetch` for one model. It sends the token, repeats requests that a busy hub refuses (429 and 5xx), and
 * throws HubError for all failures, so that the response is a success or {@link RANGE_NOT_SATISFIABLE}. The
 * signal's reason is thrown as it is.
 */
export function hubFetch(
  model: string,
  settings: HubSettings,
  { fetch: plainFetch = fetch, delay = timer, ...timeouts }: HubFetchOptions = {},
): typeof fetch {
  const { signal } = timeouts;
  const send = fetchInTime(plainFetch, timeouts);
  return async (input, init) => {
    const url = String(input);
    const headers = new Headers(init?.headers);
    if (settings.token) headers.set('Authorization', `Bearer ${settings.token}`);
    for (let tries = 1; ; tries++) {
      const response = await send(url, { ...init, headers }).catch((error) => {
        signal?.throwIfAborted();
        throw unreachable(url, error);
      });
      if (response.ok || response.status === RANGE_NOT_SATISFIABLE) return response;
      await response.body?.cancel().catch(() => {});
      const pause = pauseAfter(response, tries);
      if (pause === undefined) throw refusal(response, { url, model, settings, tries });
      await delay(pause, signal);
    }
  };
}

/** The pause after a try, in ms. @param tries number of tries so far, from 1. */
export function pauseAfterTry(tries: number): number {
  return FIRST_PAUSE_MS * 2 ** (tries - 1);
}

/** Resolves after `ms`, or early at the signal; the next request then throws the signal's reason. */
export async function timer(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

function isBusy({ status }: Response): boolean {
  return status === 429 || status >= 500;
}

/** @returns ms, or undefined if the request must not be repeated. */
function pauseAfter(response: Response, tries: number): number | undefined {
  if (!isBusy(response) || tries === MAX_TRIES) return undefined;
  const asked = retryAfter(response) ?? 0;
  return asked > LONGEST_PAUSE_MS ? undefined : Math.max(asked, pauseAfterTry(tries));
}

/** `Retry-After` in ms: seconds or a date (RFC 9110, 10.2.3). */
function retryAfter(response: Response): number | undefined {
  const text = response.headers.get('Retry-After') ?? '';
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * Turns a network error into a HubError with the cause that `fetch` hides behind "fetch failed"; keeps a
 * HubError.
 */
export function unreachable(url: string, error: unknown): HubError {
  if (error instanceof HubError) return error;
  const { message, cause } = error as Error & { cause?: Partial<NodeJS.ErrnoException> };
  const detail = cause?.message || cause?.code || message;
  return new HubConnectionError(
    `${url}: cannot be fetched (${detail}); check the network and HF_ENDPOINT, ` +
      'or set HF_HUB_OFFLINE=1 to use only what is cached',
    { cause: error },
  );
}

interface SentRequest {
  readonly url: string;
  readonly model: string;
  readonly settings: HubSettings;
  readonly tries: number;
}

function refusal(response: Response, { url, model, settings, tries }: SentRequest): HubError {
  const page = `${settings.endpoint}/${model}`;
  const errorCode = response.headers.get('X-Error-Code');
  const advice = () => {
    switch (response.status) {
      case 401:
      case 403:
        // Without a token, the hub answers alike for private models and for models that do not exist.
        return settings.token
          ? `the token (HF_TOKEN, or that of hf auth login) is not valid or may not read ${model}; accept its conditions at ${page}, or use another token`
          : `${model} does not exist, or is private or gated; check its name, or set HF_TOKEN to a token that may read it (hf auth login does as well)`;
      case 404:
        if (errorCode === 'RevisionNotFound')
          return `${model} has no such revision; choose one of ${page}/refs`;
        if (errorCode === 'EntryNotFound')
          return `the hub lists this file but does not have it; try again later`;
        return `there is neither a directory ${model} nor such a model on the hub; check the name`;
      default: {
        if (!isBusy(response)) return 'check HF_ENDPOINT';
        const wait = retryAfter(response);
        const when = wait === undefined ? 'later' : `in ${Math.max(1, Math.ceil(wait / 1000))} s`;
        return `the hub is busy or out of order (asked ${tries === 1 ? 'once' : `${tries} times`}); try again ${when}`;
      }
    }
  };
  return new HubError(`${url}: answered ${response.status}; ${advice()}`);
}
