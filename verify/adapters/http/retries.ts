import { setTimeout as sleep } from 'node:timers/promises';

/** Time, as retries use it. Tests give their own. */
export interface Clock {
  /** ms since the epoch. */
  now(): number;
  /** Resolves after `ms`, rejects early at the signal. */
  wait(ms: number, signal?: AbortSignal): Promise<unknown>;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  wait: (ms, signal) => sleep(ms, undefined, { signal }),
};

/** A request whose connection fails is sent so often, at most. */
export const MAX_CONNECTION_TRIES = 4;
/** A busy server is waited for, at most, before one request counts as unanswered. */
export const MAX_BUSY_MS = 300_000;

const FIRST_CONNECTION_PAUSE_MS = 100;
const FIRST_BUSY_PAUSE_MS = 500;
/** A server that asks for a longer pause is asked again after this one. */
const LONGEST_PAUSE_MS = 60_000;

/** Whether a status means "later": too many requests, or the model is still loading. */
export function isBusy(status: number): boolean {
  return status === 429 || status === 503;
}

/** The pause before a request is sent again after a failed connection, in ms. @param tries so far, from 1. */
export function connectionPause(tries: number): number {
  return FIRST_CONNECTION_PAUSE_MS * 4 ** (tries - 1);
}

/**
 * The pause before a busy server is asked again, in ms: what it asks for, at most a minute, else longer
 * each time.
 *
 * @param retryAfter the header: seconds or a date (RFC 9110, 10.2.3).
 * @param tries so far, from 1.
 */
export function busyPause(retryAfter: string | undefined, tries: number, now: number): number {
  const text = retryAfter?.trim() ?? '';
  const asked = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  const pause = asked > 0 ? asked : FIRST_BUSY_PAUSE_MS * 2 ** Math.min(tries - 1, 10);
  return Math.min(pause, LONGEST_PAUSE_MS);
}
