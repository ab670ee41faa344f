import { ApiError } from './api-error.ts';

/** How long a client whose request was ended may take to receive why, in ms. */
const FAREWELL_MS = 1000;

/** A request whose answer has not ended. */
export interface OpenRequest {
  /** Aborted when the client leaves, the time limit is over, or the server ends. */
  readonly signal: AbortSignal;
  abort(reason: Error): void;
  /** Whether the body is still on its way. Set to false when a handler begins. */
  isArriving: boolean;
  /** Must be called when the answer has ended, however. */
  end(): void;
}

/** The requests whose answers have not ended. */
export class OpenRequests {
  readonly #open = new Set<OpenRequest>();
  #whenEmpty: PromiseWithResolvers<void> | undefined;

  get size(): number {
    return this.#open.size;
  }

  /**
   * @param timeoutMs for the whole answer; undefined for no limit.
   * @param disconnect called when a client does not receive the end of an aborted answer in time.
   */
  begin(timeoutMs: number | undefined, disconnect: () => void): OpenRequest {
    const controller = new AbortController();
    const timers: NodeJS.Timeout[] = [];
    const request: OpenRequest = {
      signal: controller.signal,
      isArriving: true,
      abort: (reason) => {
        if (controller.signal.aborted) return;
        controller.abort(reason);
        timers.push(setTimeout(disconnect, FAREWELL_MS));
      },
      end: () => {
        for (const timer of timers) clearTimeout(timer);
        this.#open.delete(request);
        if (this.#open.size === 0) this.#whenEmpty?.resolve();
      },
    };
    if (timeoutMs !== undefined) {
      const late = () =>
        request.abort(
          new ApiError(504, `cannot answer within ${timeoutMs / 1000} s, the limit of this server`),
        );
      timers.push(setTimeout(late, timeoutMs));
    }
    this.#open.add(request);
    return request;
  }

  /** Aborts all requests. */
  abortAll(reason: Error): void {
    for (const request of [...this.#open]) request.abort(reason);
  }

  /** Aborts the requests whose bodies have not arrived. */
  abortArriving(reason: Error): void {
    for (const request of [...this.#open]) if (request.isArriving) request.abort(reason);
  }

  /** Resolves when no request is open. */
  async ended(): Promise<void> {
    if (this.#open.size === 0) return;
    this.#whenEmpty ??= Promise.withResolvers();
    await this.#whenEmpty.promise;
  }
}
