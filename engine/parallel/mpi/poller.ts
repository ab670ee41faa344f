/** How long a rank with a core of its own polls without sleeping, in ms. */
const SPIN_MS = 0.2;
/** How long it sleeps between polls after that, in ms; the system adds about 60 µs. */
const SLEEP_MS = 0.02;
/** The same for a rank that has waited so long that it is idle. */
const IDLE_SLEEP_MS = 1;
const IDLE_AFTER_MS = 100;

/**
 * Waits by polling. MPI's own waits have no time limit, and spin, which takes the core from the ranks that
 * share it.
 */
export class Poller {
  readonly #spinMs: number;
  readonly #sleep = new Int32Array(new SharedArrayBuffer(4));

  /** @param options.spins whether to poll without sleeping at first; only where each rank has a core. */
  constructor({ spins }: { spins: boolean }) {
    this.#spinMs = spins ? SPIN_MS : 0;
  }

  /**
   * Polls until no rank is pending.
   *
   * @param pending polls; @returns the ranks that are still waited for.
   * @param check called between polls with those ranks and the ms waited so far; may throw to end the wait.
   */
  until(
    pending: () => readonly number[],
    check: (missing: readonly number[], waitedMs: number) => void,
  ): void {
    const start = performance.now();
    for (let missing = pending(); missing.length > 0; missing = pending()) {
      const waitedMs = performance.now() - start;
      check(missing, waitedMs);
      if (waitedMs >= this.#spinMs) this.sleep(waitedMs < IDLE_AFTER_MS ? SLEEP_MS : IDLE_SLEEP_MS);
    }
  }

  /** Blocks this thread. */
  sleep(ms: number): void {
    Atomics.wait(this.#sleep, 0, 0, ms);
  }
}
