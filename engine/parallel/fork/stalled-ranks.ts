import type { Verdict } from './wait-state.ts';
import type { Waited } from './wait-timer.ts';

/** What is known of a rank. */
export interface RankStatus {
  readonly rank: number;
  /** Since it was last heard of. */
  readonly silentMs: number;
  /** Whether it has left the group in good order. */
  readonly left: boolean;
  /** Undefined if it computes. */
  readonly waited?: Waited;
}

/** What a rank that has left has sent arrives sooner than this. */
const AFTER_LEAVING_MS = 500;

/**
 * Finds the rank that holds up the group.
 *
 * @param ranks by rank.
 * @param timeoutMs how long a rank may give no sign of life.
 * @returns undefined while all is well.
 */
export function judge(ranks: readonly RankStatus[], timeoutMs: number): Verdict | undefined {
  const silent = ranks.find(({ left, silentMs }) => !left && silentMs >= timeoutMs);
  if (silent) return verdict(silent.rank, `has given no sign of life for ${seconds(silent.silentMs)}`);
  const late = ranks.find(({ waited }) => waited && isTooLong(waited, ranks[waited.peer]));
  if (!late?.waited) return undefined;
  // Who waits is not to blame, but the rank it waits for; and if that one waits as well, the next.
  const seen = [late];
  let culprit = ranks[late.waited.peer];
  while (culprit.waited && !seen.includes(culprit)) {
    seen.push(culprit);
    culprit = ranks[culprit.waited.peer];
  }
  const { rank } = late;
  const ms = late.waited.ms;
  if (seen.includes(culprit)) {
    const circle = seen.slice(seen.indexOf(culprit)).map((status) => status.rank);
    const message = `Ranks ${circle.join(', ')} wait for each other, rank ${rank} for ${seconds(ms)}: every rank must make the same calls`;
    return { message, ranks: circle.toSorted((a, b) => a - b) };
  }
  if (culprit.left) return verdict(culprit.rank, `has left the group while rank ${rank} waits for it`);
  if (culprit.silentMs >= timeoutMs / 2) {
    return verdict(culprit.rank, `gives no sign of life; rank ${rank} has waited for it for ${seconds(ms)}`);
  }
  return verdict(culprit.rank, `has not come for ${seconds(ms)}, for which rank ${rank} has waited`);
}

function isTooLong({ ms, timeoutMs }: Waited, peer: RankStatus): boolean {
  return (timeoutMs !== null && ms >= timeoutMs) || (peer.left && ms >= AFTER_LEAVING_MS);
}

function verdict(rank: number, what: string): Verdict {
  return { message: `Rank ${rank} ${what}`, ranks: [rank] };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
