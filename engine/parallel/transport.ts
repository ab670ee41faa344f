import type { GroupError } from '../errors.ts';

/** What a message belongs to. It travels with each, so that ranks that part ways are found out. */
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

/** By rank: the bytes for it or from it; none at all (not even an empty message) where undefined. */
export type Parts = readonly (Uint8Array | undefined)[];

/** Moves bytes between the ranks. What the bytes mean is the business of the collectives. */
export interface Transport {
  readonly rank: number;
  readonly size: number;

  /**
   * Sends and receives, to and from any number of ranks at once, and returns when all is done.
   *
   * @throws GroupError if a rank dies, stays away, or sends another kind or length than is expected of it.
   */
  exchange(kind: Kind, outgoing: Parts, incoming: Parts, timeoutMs?: number): void;

  /** Ends the group with this error. @returns what to throw: the first error, if another rank was faster. */
  fail(message: string, ranks: readonly number[]): GroupError;

  abort(reason: string): never;

  close(): Promise<void>;
}

/** Says that a message is not the one that was expected. */
export function mismatch(
  rank: number,
  peer: number,
  expected: { kind: Kind; bytes: number },
  found: { kind: Kind | undefined; bytes: number },
): string {
  return (
    `Rank ${peer} sent ${found.bytes} bytes of ${found.kind ?? 'an unknown kind'} where rank ${rank} expected ` +
    `${expected.bytes} bytes of ${expected.kind}: every rank must make the same calls with the same lengths`
  );
}
