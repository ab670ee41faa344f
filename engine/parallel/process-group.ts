/** What ranks exchange. Sent without conversion: the ranks of a group must have the same byte order. */
export type Tensor = Float32Array | Int32Array | Uint8Array;

/** How long an operation waits for another rank. */
export interface WaitOptions {
  /**
   * Milliseconds after which a rank that has not made the same call is an error. `Infinity` for a rank that
   * idles until there is work: a rank that dies is still an error, and so is a stopped one, except under
   * MPI. Default: the group's.
   */
  timeoutMs?: number;
}

/** What adds vectors, as kernels do. */
export interface VectorAdder {
  /** Memory that `add` works on. */
  allocate(length: number): Float32Array;
  /** `x[i] += y[i]` for i < length, rounded to f32. */
  add(x: Float32Array, y: Float32Array, length: number): void;
}

export interface ReduceOptions extends WaitOptions {
  /** Adds the values, which must lie in its memory. Default: plain JavaScript. */
  adder?: VectorAdder;
}

/** What a rank sends and receives in an all-to-all. */
export interface AllToAllParts<T extends Tensor> {
  /** The parts for rank 0, 1, …, one after the other. */
  readonly outgoing: T;
  /** [size] values in each part. */
  readonly outgoingCounts: ArrayLike<number>;
  /** Receives the parts from rank 0, 1, …, one after the other. */
  readonly incoming: T;
  /** [size] values in each part; what rank r sends to s must be what s expects from r. */
  readonly incomingCounts: ArrayLike<number>;
}

/** What a rank has sent to others. */
export interface Traffic {
  /** Counted per receiving rank; empty messages count. */
  readonly messages: number;
  /** Bytes of the values, without the transport's headers. */
  readonly bytesSent: number;
}

/**
 * Processes that compute together, numbered 0 to `size − 1`. All operations except `close` block until they
 * are done, so that they can be called between two kernels. Every rank must call the same collectives in the
 * same order with the same lengths; each `send` needs a `receive` of the same length.
 *
 * Every operation throws a GroupError that names the ranks at fault if a rank has died, has stopped, does
 * not make the call within the time limit, has failed, or makes another call. After that the group can only
 * be closed.
 */
export interface ProcessGroup {
  readonly rank: number;
  readonly size: number;

  /** Returns when every rank has called it. */
  barrier(options?: WaitOptions): void;

  /**
   * Gives every rank the values of every rank, ascending.
   *
   * @param mine n values of this rank; may be a view of its own part of `all`, which saves a copy.
   * @param all receives `size · n` values.
   */
  allGather<T extends Tensor>(mine: T, all: T, options?: WaitOptions): void;

  /**
   * Replaces the values by their sums over the ranks, `((r0+r1)+(r2+r3))+…`, each addition rounded to f32:
   * the same bits on every rank, independent of the order in which they arrive.
   *
   * @param values n values on every rank.
   * @throws RangeError if `size` is not a power of two.
   */
  allReduce(values: Float32Array, options?: ReduceOptions): void;

  /** Replaces the values by those of rank `root`. */
  broadcast(values: Tensor, root: number, options?: WaitOptions): void;

  /**
   * Sends a part of `outgoing` to every rank and receives one from every rank, its own included.
   *
   * @throws RangeError if counts do not add up to the lengths, or this rank's own two counts differ.
   */
  allToAll<T extends Tensor>(parts: AllToAllParts<T>, options?: WaitOptions): void;

  /** Sends values to another rank; may return before that rank has received them. */
  send(values: Tensor, to: number, options?: WaitOptions): void;

  /** Receives as many values as `values` holds from another rank. */
  receive(values: Tensor, from: number, options?: WaitOptions): void;

  /**
   * Checks that all ranks have the same value, by its SHA-256.
   *
   * @param name of the value, for the error: "config", "version".
   */
  agree(name: string, value: string | Uint8Array, options?: WaitOptions): void;

  /** What this rank has sent since the group started. */
  traffic(): Traffic;

  /**
   * Looks whether the group has failed since the last operation; sends nothing and does not wait. Under MPI
   * failures are seen by operations alone.
   *
   * @throws GroupError if it has.
   */
  check(): void;

  /** Fails the group: every rank throws a GroupError with this reason. */
  abort(reason: string): never;

  /**
   * Leaves the group; the rank that launched it waits for the others to end. Must be called once, also after
   * an error.
   *
   * @throws GroupError if the group has failed and no operation has thrown that yet.
   */
  close(): Promise<void>;
}
