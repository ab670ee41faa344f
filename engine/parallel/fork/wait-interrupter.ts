import { readSync, writeSync } from 'node:fs';
import type { Links } from './fifos.ts';
import type { WaitState } from './wait-state.ts';

/** An attempt may come just before the main thread blocks; then the next one interrupts it. */
const RETRY_MS = 5;

/** Interrupts a main thread's wait for another rank, from the thread beside it. */
export class WaitInterrupter {
  readonly #state: WaitState;
  readonly #links: Links;
  readonly #scratch = new Uint8Array(65_536);
  #timer: NodeJS.Timeout | undefined;

  constructor(state: WaitState, links: Links) {
    this.#state = state;
    this.#links = links;
  }

  /**
   * Interrupts the main thread's wait, repeatedly until it has acknowledged the failure. Call it after
   * `state.fail`.
   */
  interrupt(): void {
    this.#attempt();
    this.#timer ??= setInterval(() => this.#attempt(), RETRY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Ends a read by writing a byte, a write by making room. A failed group's messages are lost anyway. */
  #attempt(): void {
    if (this.#state.acknowledged) this.stop();
    const wait = this.#state.waiting;
    if (!wait) return;
    try {
      if (wait.direction === 'read')
        writeSync(this.#links.incoming[wait.peer]?.nonBlocking ?? -1, this.#scratch, 0, 1);
      else readSync(this.#links.outgoing[wait.peer]?.nonBlocking ?? -1, this.#scratch);
    } catch (error) {
      // The main thread's call has returned in the meantime.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
