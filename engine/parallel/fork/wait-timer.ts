import type { WaitState } from './wait-state.ts';

/** For whom a rank has waited, and how long. */
export interface Waited {
  readonly peer: number;
  readonly ms: number;
  /** How long it is willing to wait; null for as long as it takes (JSON has no infinity). */
  readonly timeoutMs: number | null;
}

/**
 * Measures waits by ticks. A tick counts for two of its length at most: when the whole group is stopped and continued,
 * as by Ctrl-Z, nobody has waited.
 */
export class WaitTimer {
  readonly #state: WaitState;
  readonly #tickMs: number;
  #count = -1;
  #waitedMs = 0;
  #last = performance.now();

  constructor(state: WaitState, tickMs: number) {
    this.#state = state;
    this.#tickMs = tickMs;
  }

  /** To be called every `tickMs`. @returns the time that has passed, and the wait if the main thread is in one. */
  tick(): { elapsedMs: number; waited?: Waited } {
    const now = performance.now();
    const elapsedMs = Math.min(now - this.#last, 2 * this.#tickMs);
    this.#last = now;
    const wait = this.#state.waiting;
    if (!wait) return { elapsedMs };
    this.#waitedMs = wait.count === this.#count ? this.#waitedMs + elapsedMs : 0;
    this.#count = wait.count;
    const timeoutMs = Number.isFinite(wait.timeoutMs) ? wait.timeoutMs : null;
    return { elapsedMs, waited: { peer: wait.peer, ms: this.#waitedMs, timeoutMs } };
  }
}

/** How often a group looks after itself, by how long it may take to find a failure; in ms. */
export function tickMsOf(timeoutMs: number): number {
  return Math.max(20, Math.min(250, timeoutMs / 10));
}
