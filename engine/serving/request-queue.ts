import { OptionError } from '../errors.ts';

/**
 * Requests as they arrive, from a list or over time. A few are taken from their source ahead of {@link
 * take}.
 */
export class RequestQueue<T> {
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #isAsync: boolean;
  readonly #capacity: number;
  readonly #arrived: T[] = [];
  /** The call of the source that has not answered yet. */
  #pending: Promise<void> | undefined;
  #ended = false;
  #error: unknown;

  /**
   * @param capacity the most requests that are held.
   * @throws OptionError if the source cannot be iterated.
   */
  constructor(source: Iterable<T> | AsyncIterable<T>, capacity: number) {
    const { [Symbol.asyncIterator]: asynchronous, [Symbol.iterator]: synchronous } = Object(source);
    const iterator = (asynchronous ?? synchronous)?.call(source);
    if (!iterator) throw new OptionError('requests', source, 'requests that can be iterated');
    this.#iterator = iterator;
    this.#isAsync = Boolean(asynchronous);
    this.#capacity = capacity;
    this.#fill();
  }

  /** Whether the source has ended and all requests are taken. */
  get isEmpty(): boolean {
    return this.#ended && this.#arrived.length === 0;
  }

  /** The next request; undefined if none has arrived. @throws what the source has thrown. */
  take(): { request: T } | undefined {
    if (this.#arrived.length === 0) {
      if (this.#error !== undefined) throw this.#error;
      return undefined;
    }
    const request = this.#arrived.shift() as T;
    this.#fill();
    return { request };
  }

  /** Waits until a request has arrived or the source has ended. */
  async wait(): Promise<void> {
    if (this.#arrived.length === 0) await this.#pending;
  }

  /** Ends the source. A pending call of it is not waited for, because it may never answer. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const closing = Promise.resolve(this.#iterator.return?.());
    if (this.#pending) closing.catch(() => {});
    else await closing;
  }

  /** A list answers at once, so that its requests begin in one step. */
  #fill(): void {
    while (!this.#pending && !this.#ended && this.#arrived.length < this.#capacity) {
      try {
        const answer = this.#iterator.next();
        if (this.#isAsync) this.#pending = this.#receive(answer);
        else this.#accept(answer as IteratorResult<T>);
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  async #receive(answer: IteratorResult<T> | Promise<IteratorResult<T>>): Promise<void> {
    try {
      this.#accept(await answer);
    } catch (error) {
      this.#fail(error);
    }
    this.#pending = undefined;
    this.#fill();
  }

  #accept({ done, value }: IteratorResult<T>): void {
    if (done) this.#ended = true;
    else this.#arrived.push(value);
  }

  #fail(error: unknown): void {
    this.#error = error;
    this.#ended = true;
  }
}
