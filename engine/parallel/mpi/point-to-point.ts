import { GroupError } from '../../errors.ts';
import { type Kind, mismatch } from '../transport.ts';
import type { MpiCalls } from './calls.ts';
import { checkLength, kindOf, tagOf } from './message.ts';

/** A message under way. */
export interface PendingMessage {
  readonly kind: Kind;
  readonly peer: number;
  readonly request: Uint8Array;
  /** Bytes expected of a message to receive; undefined for one to send. */
  readonly receives?: number;
}

/**
 * Messages between this rank and others through MPI, numbered per peer so that a lost or extra call is
 * found.
 */
export class PointToPoint {
  readonly rank: number;
  readonly #mpi: MpiCalls;
  /** Number of messages, by peer. */
  readonly #sent: number[];
  readonly #received: number[];

  constructor(mpi: MpiCalls) {
    this.rank = mpi.rank;
    this.#mpi = mpi;
    this.#sent = Array(mpi.size).fill(0);
    this.#received = Array(mpi.size).fill(0);
  }

  /**
   * Starts to send; the bytes must not change until the message is through.
   *
   * @throws GroupError if MPI fails.
   */
  startSend(kind: Kind, part: Uint8Array, peer: number): PendingMessage {
    checkLength(part);
    const tag = tagOf(kind, this.#sent[peer]++);
    return { kind, peer, request: this.#call(peer, () => this.#mpi.startSend(part, peer, tag)) };
  }

  /** Starts to receive `part.length` bytes of that kind. @throws GroupError if MPI fails. */
  startReceive(kind: Kind, part: Uint8Array, peer: number): PendingMessage {
    checkLength(part);
    const request = this.#call(peer, () => this.#mpi.startReceive(part, peer));
    return { kind, peer, request, receives: part.length };
  }

  /**
   * Checks a message under way.
   *
   * @returns `done`, or `failure` if the peer announces one in place of the expected message (see
   * FailureChannel).
   * @throws GroupError if MPI fails, or another message arrived than expected.
   */
  test({ kind, peer, request, receives }: PendingMessage): 'pending' | 'done' | 'failure' {
    const tooLong =
      `Rank ${peer} sent more than the ${receives} bytes of ${kind} that rank ${this.rank} expected: ` +
      'every rank must make the same calls with the same lengths';
    const arrival = this.#call(peer, () => this.#mpi.test(request), tooLong);
    if (!arrival) return 'pending';
    if (receives === undefined) return 'done';
    const tag = tagOf(kind, this.#received[peer]++);
    if (arrival.tag === tag && arrival.bytes === receives) return 'done';
    const found = { kind: kindOf(arrival.tag), bytes: arrival.bytes };
    if (found.kind === 'failure') return 'failure';
    const { message, ranks } = mismatch(this.rank, peer, { kind, bytes: receives }, found);
    throw new GroupError(message, ranks);
  }

  /**
   * The kind of the next message from a rank, which remains to be received; undefined if there is no
   * message.
   */
  probe(peer: number): Kind | undefined {
    const arrival = this.#call(peer, () => this.#mpi.probe(peer));
    return arrival && kindOf(arrival.tag);
  }

  /** Calls MPI. @param tooLong message of the error if a message is longer than the memory for it. */
  #call<T>(peer: number, call: () => T, tooLong?: string): T {
    try {
      return call();
    } catch (error) {
      const { message } = error as GroupError;
      // MPI_ERR_TRUNCATE, in the words of either library.
      const isTooLong = tooLong !== undefined && /truncated/i.test(message);
      const cannot = `Rank ${this.rank} cannot exchange messages with rank ${peer}: ${message}`;
      throw new GroupError(isTooLong ? tooLong : cannot, [peer]);
    }
  }
}
