import { ApiError } from './api-error.ts';

/** Seconds after which a client may ask again when the queue is full. */
const RETRY_AFTER_S = 1;

/** Counts the sequences that are waiting or computed, and refuses more when the queue is full. */
export class Admission {
  readonly #maxBatch: number;
  readonly #maxQueue: number;
  #open = 0;

  /** @param maxQueue sequences that may wait beside the `maxBatch` that are computed. */
  constructor({ maxBatch, maxQueue }: { maxBatch: number; maxQueue: number }) {
    this.#maxBatch = maxBatch;
    this.#maxQueue = maxQueue;
  }

  /** Sequences that are waiting or computed. */
  get open(): number {
    return this.#open;
  }

  /**
   * Admits a request while there is room in the queue, also one of more sequences than there is room for:
   * it could not be served at all otherwise.
   *
   * @returns ends what was admitted; further calls do nothing.
   * @throws ApiError 429 if the queue is full.
   */
  admit(numSequences: number): () => void {
    const waiting = this.#open - this.#maxBatch;
    if (waiting >= this.#maxQueue && this.#open > 0) {
      throw new ApiError(
        429,
        `cannot queue the request: ${Math.max(0, waiting)} sequences wait already, of at most ${this.#maxQueue}; ask again later`,
        { retryAfter: RETRY_AFTER_S },
      );
    }
    this.#open += numSequences;
    let isEnded = false;
    return () => {
      if (!isEnded) this.#open -= numSequences;
      isEnded = true;
    };
  }
}
