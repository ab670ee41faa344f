import type { GroupFailure } from '../transport.ts';
import { seconds } from './stalled-ranks.ts';

/**
 * Until its first message a rank is taken to start for this long, in ms, or for the group's time limit if
 * that is longer: Node takes seconds to start on a busy machine.
 */
const FIRST_MESSAGE_MS = 20_000;

/** A rank that has sent no message since it was started. */
export interface MuteRank {
  readonly rank: number;
  /** Since it was started. */
  readonly silentMs: number;
  /** How long it has been stopped by now. */
  readonly stoppedMs: number;
}

/**
 * Finds a rank that will not come to its first message: one that has been stopped for the group's time
 * limit; one that has been silent for that long while the user may start no more threads, for which Node
 * waits for ever as it starts; or one that is silent for longer than a start takes.
 *
 * @param timeoutMs how long a rank of the group may be silent.
 * @param findShortage what the system has too little of to start a process; undefined for nothing.
 * @returns undefined if all of them may still come.
 */
export function findLateToSpeak(
  mute: readonly MuteRank[],
  timeoutMs: number,
  findShortage: () => string | undefined,
): GroupFailure | undefined {
  const stopped = mute.find(({ stoppedMs }) => stoppedMs >= timeoutMs);
  if (stopped) return failure(stopped, 'is stopped, and');
  const silent = mute.find(({ silentMs }) => silentMs >= timeoutMs);
  if (!silent) return undefined;
  const shortage = findShortage();
  if (shortage !== undefined) return failure(silent, '', `: ${shortage}`);
  return silent.silentMs >= FIRST_MESSAGE_MS ? failure(silent, '') : undefined;
}

function failure({ rank, silentMs }: MuteRank, how: string, why = ''): GroupFailure {
  const message = `Rank ${rank} ${how && `${how} `}has given no sign of life for ${seconds(silentMs)} while the group started${why}`;
  return { message, ranks: [rank] };
}
