import { setTimeout as sleep } from 'node:timers/promises';

/** How long an idle engine waits for another request, in ms. */
const DELAY_MS = 1;
/** Requests that keep coming join the steps that follow. */
const MAX_DELAYS = 8;

/**
 * Delays the first step of an idle engine until no further request has come for 1 ms, at most 8 ms. Else the
 * first of the requests that clients send together is computed in a step alone, which the others wait for;
 * from then on they end at different times, and so do those that follow them: a tenth of the throughput of
 * eight clients of a model with 0.6 billion parameters.
 */
export class BatchDelay {
  readonly #delay: () => Promise<unknown>;
  #running: Promise<void> | undefined;

  /** @param delay for {@link DELAY_MS}. */
  constructor(delay: () => Promise<unknown> = () => sleep(DELAY_MS)) {
    this.#delay = delay;
  }

  /**
   * Resolves when a request may begin: at once if the engine is busy already.
   *
   * @param countRequests the number of requests that have not ended, this one included.
   */
  async wait(countRequests: () => number): Promise<void> {
    if (countRequests() === 1) this.#running = this.#untilQuiet(countRequests);
    await this.#running;
  }

  async #untilQuiet(countRequests: () => number): Promise<void> {
    for (let delays = 0, known = 0; delays < MAX_DELAYS && countRequests() > known; delays++) {
      known = countRequests();
      await this.#delay();
    }
  }
}
