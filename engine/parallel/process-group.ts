/** What ranks exchange. Bytes travel as they are: the ranks of a group have the same byte order. */
export type Tensor = Float32Array | Int32Array | Uint8Array;

/** How long a rank waits for another. */
export interface WaitOptions {
  /**
   * Milliseconds after which a rank that does not come is an error; `Infinity` for a rank that idles until there is
   * work. A rank that dies is an error in either case; so is one that is stopped, but under MPI. Default: the group's.
   */
  timeoutMs?: number;
}

/** What a rank has sent to others. */
export interface Traffic {
  /** Each to one rank; empty ones count. */
  readonly messages: number;
  /** Of the values alone: what a transport puts in front of a message is its own. */
  readonly bytesSent: number;
}

/**
 * Processes that compute together, numbered 0 to `size − 1`. All operations but `close` block until they are done, so
 * that they can stand between two kernels. Every rank calls the same collectives, in the same order, with the same
 * lengths; `send` meets a `receive` of the same length.
 *
 * Every operation throws a GroupError that names the ranks at fault if one has died, has stopped, does not come within
 * the time limit, has failed, or calls something else. After that the group is of no more use but to be closed.
 */
export interface ProcessGroup {
  readonly rank: number;
  readonly size: number;

  /** Returns when every rank has come here. */
  barrier(options?: WaitOptions): void;

  /**
   * Gives every rank the values of every rank, ascending.
   *
   * @param mine n values of this rank; may be its place within `all`, which saves a copy.
   * @param all receives `size · n` values.
   */
  allGather<T extends Tensor>(mine: T, all: T, options?: WaitOptions): void;

  /**
   * Replaces the values by their sums over the ranks, `((r0+r1)+(r2+r3))+…`, each addition rounded to f32: the same
   * bits on every rank, whichever comes first.
   *
   * @param values n values on every rank.
   * @throws RangeError if `size` is no power of two.
   */
  allReduce(values: Float32Array, options?: WaitOptions): void;

  /** Replaces the values by those of rank `root`. */
  broadcast(values: Tensor, root: number, options?: WaitOptions): void;

  /**
   * Sends a part of `outgoing` to every rank and receives one from every rank, its own included.
   *
   * @param outgoing the parts for rank 0, 1, …, one after the other.
   * @param outgoingCounts [size] values of each part.
   * @param incoming receives the parts from rank 0, 1, …, one after the other.
   * @param incomingCounts [size] values of each; what rank r sends to s is what s expects from r.
   */
  allToAll<T extends Tensor>(
    outgoing: T,
    outgoingCounts: ArrayLike<number>,
    incoming: T,
    incomingCounts: ArrayLike<number>,
    options?: WaitOptions,
  ): void;

  /** Sends values to another rank; may return before it has received them. */
  send(values: Tensor, to: number, options?: WaitOptions): void;

  /** Receives as many values as `values` holds from another rank. */
  receive(values: Tensor, from: number, options?: WaitOptions): void;

  /**
   * Makes sure that all ranks were started with the same thing, by its SHA-256.
   *
   * @param name what it is, as the error calls it: "config", "version".
   */
  agree(name: string, value: string | Uint8Array, options?: WaitOptions): void;

  /** What this rank has sent since the group began. */
  traffic(): Traffic;

  /** Ends the group with an error on every rank. */
  abort(reason: string): never;

  /**
   * Leaves the group; on the rank that launched it, waits for the others to end. To be called once, also after an
   * error.
   *
   * @throws GroupError if a rank ended badly and no operation has said so yet.
   */
  close(): Promise<void>;
}
