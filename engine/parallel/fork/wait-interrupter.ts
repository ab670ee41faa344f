import { readSync, writeSync } from 'node:fs';
import type { Links } from './fifos.ts';
import type { WaitState } from './wait-state.ts';

/** A call that is made just after it was looked for is met by the next attempt. */
const EVERY_MS = 5;

/** Ends the wait of a main thread for a rank that will not come, from the thread beside it. */
export class WaitInterrupter {
  readonly #state: WaitState;
  readonly #links: Links;
  readonly #scratch = new Uint8Array(65_536);
  #timer: NodeJS.Timeout | undefined;

  constructor(state: WaitState, links: Links) {
    this.#state = state;
    this.#links = links;
  }

  /** Wakes the main thread once the state says that the group has failed, and again until it has seen that. */
  wake(): void {
    this.#poke();
    this.#timer ??= setInterval(() => this.#poke(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A byte ends a wait for data; room in the FIFO ends a wait for room. What a failed group sends is lost anyway. */
  #poke(): void {
    if (this.#state.noticed) this.stop();
    const wait = this.#state.waiting;
    if (!wait) return;
    try {
      if (wait.direction === 'read')
        writeSync(this.#links.incoming[wait.peer]?.prompt ?? -1, this.#scratch, 0, 1);
      else readSync(this.#links.outgoing[wait.peer]?.prompt ?? -1, this.#scratch);
    } catch (error) {
      // The main thread went on by itself in the meantime.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
