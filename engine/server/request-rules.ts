/** How requests are treated, whatever they ask. */
export interface RequestRules {
  /** Wanted of every request but `GET /health`. Default: none. */
  readonly apiKey?: string | undefined;
  /** The origin whose pages may read answers in a browser, or `*`. Default: none. */
  readonly allowOrigin?: string | undefined;
  /** How long an answer may take, in ms. Default: no limit. */
  readonly requestTimeoutMs?: number | undefined;
  /** How long a request may take to arrive, in ms. Default 30,000. */
  readonly receiveTimeoutMs?: number | undefined;
  /** How long a client may take nothing of an answer that waits for it, in ms. Default 60,000. */
  readonly stallTimeoutMs?: number | undefined;
  /**
   * The most bytes of a body. Default 1 MiB, more than the longest prompt: while the server's thread parses a
   * body, all other requests wait. `body-shape.ts` bounds what the bytes may hold, for the same reason.
   */
  readonly maxBodyBytes?: number | undefined;
}
