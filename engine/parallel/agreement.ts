import type { GroupFailure } from './transport.ts';

/**
 * Finds the ranks whose hash differs from that of the largest party. If two parties are equally large, the
 * party of rank 0 counts as right.
 *
 * @param name what the ranks must agree on, for the message.
 * @param hashes hex, by rank.
 * @returns undefined if all hashes are equal.
 */
export function disagreement(name: string, hashes: readonly string[]): GroupFailure | undefined {
  const parties = new Map<string, number[]>();
  for (const [rank, hash] of hashes.entries()) parties.set(hash, [...(parties.get(hash) ?? []), rank]);
  if (parties.size === 1) return undefined;
  // The sort is stable, and the map lists the party of rank 0 first.
  const bySize = [...parties].sort(([, a], [, b]) => b.length - a.length);
  const list = bySize.map(([hash, ranks]) => `${namesOf(ranks)} with ${hash.slice(0, 16)}…`);
  const others = bySize.slice(1).flatMap(([, ranks]) => ranks);
  const ranks = others.toSorted((a, b) => a - b);
  const message =
    `The ranks disagree on ${name}: ${namesOf(ranks)} against the others (SHA-256: ${list.join('; ')}); ` +
    `start all ranks with the same ${name}`;
  return { message, ranks };
}

/** "rank 1", "ranks 1, 2 and 3". */
export function namesOf(ranks: readonly number[]): string {
  const [last, ...others] = ranks.toReversed();
  return others.length === 0 ? `rank ${last}` : `ranks ${others.toReversed().join(', ')} and ${last}`;
}
