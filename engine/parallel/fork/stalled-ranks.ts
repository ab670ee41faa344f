import type { GroupFailure } from '../transport.ts';
import type { ElapsedWait } from './wait-timer.ts';

/** What the launcher knows of a rank. */
export interface RankStatus {
  readonly rank: number;
  /** Since its last message. */
  readonly silentMs: number;
  /** Whether it has left the group without an error. */
  readonly left: boolean;
  /** Undefined while it computes. */
  readonly wait?: ElapsedWait;
}

/** The last messages of a rank that has left arrive sooner than this. */
const AFTER_LEAVING_MS = 500;

/**
 * Finds the ranks that stall the group: a silent one, or the last of a chain of ranks that wait for each
 * other.
 *
 * @param statuses by rank.
 * @param timeoutMs how long a rank may be silent.
 * @returns undefined if the group makes progress.
 */
export function findStalledRanks(
  statuses: readonly RankStatus[],
  timeoutMs: number,
): GroupFailure | undefined {
  const silent = statuses.find(({ left, silentMs }) => !left && silentMs >= timeoutMs);
  if (silent) return failure(silent.rank, `has given no sign of life for ${seconds(silent.silentMs)}`);
  const waiting = statuses.find(({ wait }) => wait && isTooLong(wait, statuses[wait.peer]));
  if (!waiting?.wait) return undefined;
  // Follow the chain: a rank that waits itself is not at fault, the rank that it waits for may be.
  const chain = [waiting];
  let last = statuses[waiting.wait.peer];
  while (last.wait && !chain.includes(last)) {
    chain.push(last);
    last = statuses[last.wait.peer];
  }
  const { rank } = waiting;
  const ms = waiting.wait.ms;
  if (chain.includes(last)) {
    const circle = chain.slice(chain.indexOf(last)).map((status) => status.rank);
    const message = `Ranks ${circle.join(', ')} wait for each other, rank ${rank} for ${seconds(ms)}: every rank must make the same calls`;
    return { message, ranks: circle.toSorted((a, b) => a - b) };
  }
  if (last.left) return failure(last.rank, `has left the group while rank ${rank} waits for it`);
  if (last.silentMs >= timeoutMs / 2) {
    return failure(last.rank, `gives no sign of life; rank ${rank} has waited for it for ${seconds(ms)}`);
  }
  return failure(last.rank, `has not come for ${seconds(ms)}, for which rank ${rank} has waited`);
}

function isTooLong({ ms, timeoutMs }: ElapsedWait, peer: RankStatus): boolean {
  return (timeoutMs !== null && ms >= timeoutMs) || (peer.left && ms >= AFTER_LEAVING_MS);
}

function failure(rank: number, what: string): GroupFailure {
  return { message: `Rank ${rank} ${what}`, ranks: [rank] };
}

/** @returns e.g. `1.0 s`. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
