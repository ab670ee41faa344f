import type { Engine } from '../engine.ts';
import { BatchDelay } from './batch-delay.ts';
import { packEvent } from './packed-logprobs.ts';
import { toErrorData } from './thread-error.ts';
import type { FromThread, RequestNews, ThreadRequest } from './thread-messages.ts';

/** The requests that the engine's thread serves, and what it sends of them. */
export class ThreadRequests {
  readonly #engine: Pick<Engine, 'generate' | 'stats'>;
  readonly #send: (message: FromThread) => void;
  readonly #batchDelay: BatchDelay;
  /** The abort controller of each request that has not ended. */
  readonly #controllers = new Map<number, AbortController>();
  #unsent: RequestNews[] = [];

  constructor(
    engine: Pick<Engine, 'generate' | 'stats'>,
    send: (message: FromThread) => void,
    batchDelay = new BatchDelay(),
  ) {
    this.#engine = engine;
    this.#send = send;
    this.#batchDelay = batchDelay;
  }

  /** Resolves when the request has ended. */
  async serve(id: number, { resultsOnly = false, ...request }: ThreadRequest): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    this.#controllers.set(id, controller);
    let refusal: Error | undefined;
    try {
      await this.#batchDelay.wait(() => this.#controllers.size);
      for await (const event of this.#engine.generate([{ ...request, signal }])) {
        // Leaving the loop frees the blocks. The caller has left, or gets an error when the thread exits.
        if (signal.aborted) break;
        if (event.type === 'error') refusal = event.error;
        else if (event.type === 'result' || !resultsOnly) this.#sendNews({ id, event: packEvent(event) });
      }
      // Also after an abort: the news has the statistics without the request.
      this.#sendNews({ id, ...(refusal && { error: toErrorData(refusal) }) });
    } catch (error) {
      this.#send({ type: 'failed', error: toErrorData(error) });
    } finally {
      this.#controllers.delete(id);
    }
  }

  /** A request that has just ended has no controller any more: the messages have crossed. */
  abort(id: number): void {
    this.#controllers.get(id)?.abort();
  }

  abortAll(): void {
    for (const controller of this.#controllers.values()) controller.abort();
  }

  /** Sends what a step has brought forth in one message: the immediate runs before that of the next step. */
  #sendNews(news: RequestNews): void {
    this.#unsent.push(news);
    if (this.#unsent.length > 1) return;
    setImmediate(() => {
      this.#send({ type: 'news', news: this.#unsent, stats: this.#engine.stats() });
      this.#unsent = [];
    });
  }
}
