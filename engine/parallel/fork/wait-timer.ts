import type { WaitState } from './wait-state.ts';

/** The rank that a main thread waits for, and for how long so far. */
export interface ElapsedWait {
  readonly peer: number;
  readonly ms: number;
  /** Limit of this wait; null for none (JSON has no infinity). */
  readonly timeoutMs: number | null;
}

/**
 * Measures waits by ticks. A tick counts for at most two tick lengths, so that time in which the whole group
 * was stopped (Ctrl-Z) does not count as waiting.
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

  /**
   * Must be called every `tickMs`.
   *
   * @returns ms since the last tick, and the main thread's wait if it is in one.
   */
  tick(): { elapsedMs: number; wait?: ElapsedWait } {
    const now = performance.now();
    const elapsedMs = Math.min(now - this.#last, 2 * this.#tickMs);
    this.#last = now;
    const wait = this.#state.waiting;
    if (!wait) return { elapsedMs };
    this.#waitedMs = wait.count === this.#count ? this.#waitedMs + elapsedMs : 0;
    this.#count = wait.count;
    const timeoutMs = Number.isFinite(wait.timeoutMs) ? wait.timeoutMs : null;
    return { elapsedMs, wait: { peer: wait.peer, ms: this.#waitedMs, timeoutMs } };
  }
}

/** The interval of heartbeats and checks for a group's time limit; both in ms. */
export function tickMsOf(timeoutMs: number): number {
  return Math.max(20, Math.min(250, timeoutMs / 10));
}
