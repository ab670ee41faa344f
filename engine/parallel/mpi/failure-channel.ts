import { GroupError } from '../../errors.ts';
import type { GroupFailure } from '../transport.ts';
import { decodeFailure, encodeFailure, FAILURE_BYTES } from './message.ts';
import type { PointToPoint } from './point-to-point.ts';
import type { Poller } from './poller.ts';

/** How long an announced failure may take to arrive, in ms. */
const FAILURE_MS = 1000;

/**
 * Sends and receives why the group has failed. A failure is two messages: an empty one, which fits wherever
 * a rank expects any other message, and one of fixed length with the reason. A rank receives them the next
 * time it waits for the sender.
 */
export class FailureChannel {
  readonly #messages: PointToPoint;
  readonly #poller: Poller;
  #failure: GroupError | undefined;
  /** MPI may still read or write the memory of unfinished messages. */
  readonly #inFlight: Uint8Array[] = [];

  constructor(messages: PointToPoint, poller: Poller) {
    this.#messages = messages;
    this.#poller = poller;
  }

  /** The first failure that this rank has sent or received. */
  get failure(): GroupError | undefined {
    return this.#failure;
  }

  /**
   * Fails the group on this rank and sends the reason to others.
   *
   * @returns the error to throw: the first failure.
   */
  fail({ message, ranks }: GroupFailure, peers: readonly number[]): GroupError {
    if (this.#failure) return this.#failure;
    this.#failure = new GroupError(message, ranks);
    const bytes = encodeFailure({ message, ranks });
    this.#inFlight.push(bytes);
    for (const peer of peers) {
      try {
        this.#messages.startSend('failure', new Uint8Array(), peer);
        this.#messages.startSend('failure', bytes, peer);
      } catch {
        // MPI cannot reach this rank any more: it will find the failure by itself.
      }
    }
    return this.#failure;
  }

  /** Receives the reason after a rank has announced a failure. @throws GroupError if it does not arrive. */
  receive(peer: number): GroupFailure {
    const bytes = new Uint8Array(FAILURE_BYTES);
    this.#inFlight.push(bytes);
    const message = this.#messages.startReceive('failure', bytes, peer);
    this.#poller.until(
      () => (this.#messages.test(message) === 'pending' ? [peer] : []),
      (_, waitedMs) => {
        if (waitedMs < FAILURE_MS) return;
        throw new GroupError(`Rank ${peer} has failed, and does not send the reason`, [peer]);
      },
    );
    return decodeFailure(bytes);
  }
}
