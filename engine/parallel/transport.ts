import type { GroupError } from '../errors.ts';

/**
 * The operation that a message belongs to; sent along with it, so that ranks that make different calls are
 * found.
 */
export const KINDS = [
  'barrier',
  'allGather',
  'allReduce',
  'broadcast',
  'allToAll',
  'send/receive',
  'agree',
  'close',
  'failure',
] as const;

export type Kind = (typeof KINDS)[number];

/** By rank: the bytes to send to it or to receive from it. Undefined: no message, not even an empty one. */
export type Parts = readonly (Uint8Array | undefined)[];

/** Why a group has failed, in the words that every rank reports. */
export interface GroupFailure {
  readonly message: string;
  /** The ranks at fault, ascending. */
  readonly ranks: readonly number[];
}

/** Moves bytes between the ranks, without interpreting them. */
export interface Transport {
  readonly rank: number;
  readonly size: number;

  /**
   * Sends to and receives from any number of ranks at once; returns when all messages are through.
   *
   * @throws GroupError if a rank dies, does not come in time, or sends another kind or length than this rank
   * expects.
   */
  exchange(kind: Kind, outgoing: Parts, incoming: Parts, timeoutMs?: number): void;

  /**
   * Fails the group on all ranks.
   *
   * @returns the error to throw; another rank's failure if that came first.
   */
  fail(failure: GroupFailure): GroupError;

  /** @throws GroupError if the group is known to have failed. */
  check(): void;

  abort(reason: string): never;

  close(): Promise<void>;
}

/** The failure of a group in which a rank received another message than it expected. */
export function mismatch(
  rank: number,
  peer: number,
  expected: { kind: Kind; bytes: number },
  found: { kind: Kind | undefined; bytes: number },
): GroupFailure {
  const message =
    `Rank ${peer} sent ${found.bytes} bytes of ${found.kind ?? 'an unknown kind'} where rank ${rank} expected ` +
    `${expected.bytes} bytes of ${expected.kind}: every rank must make the same calls with the same lengths`;
  return { message, ranks: [peer] };
}
