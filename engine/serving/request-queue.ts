/** Requests as they come: from a list, or over time. At most a few are taken ahead of being asked for. */
export class RequestQueue<T> {
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #ahead: number;
  readonly #arrived: T[] = [];
  #asking: Promise<void> | undefined;
  #ended = false;
  #error: unknown;

  /** @param ahead the most that are taken before they are asked for. */
  constructor(source: Iterable<T> | AsyncIterable<T>, ahead: number) {
    this.#iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#ahead = ahead;
    this.#ask();
  }

  /** Whether nothing will come any more. */
  get isEmpty(): boolean {
    return this.#ended && this.#arrived.length === 0;
  }

  /** The next one, if it has come. @throws whatever the source threw. */
  take(): T | undefined {
    if (this.#error !== undefined && this.#arrived.length === 0) throw this.#error;
    const next = this.#arrived.shift();
    this.#ask();
    return next;
  }

  /** Waits until another has come or none will. */
  async wait(): Promise<void> {
    if (this.#arrived.length === 0) await this.#asking;
  }

  /** Tells the source that no more is wanted. One that was asked for the next is not waited for: it may never answer. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const closing = Promise.resolve(this.#iterator.return?.());
    if (this.#asking) closing.catch(() => {});
    else await closing;
  }

  #ask(): void {
    if (this.#asking || this.#ended || this.#arrived.length >= this.#ahead) return;
    this.#asking = this.#next().finally(() => {
      this.#asking = undefined;
      this.#ask();
    });
  }

  async #next(): Promise<void> {
    try {
      const { done, value } = await this.#iterator.next();
      if (done) this.#ended = true;
      else this.#arrived.push(value);
    } catch (error) {
      this.#error = error;
      this.#ended = true;
    }
  }
}
