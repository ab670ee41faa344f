import { GroupError } from '../../../../engine/errors.ts';
import { Collectives } from '../../../../engine/parallel/collectives.ts';
import type { ProcessGroup } from '../../../../engine/parallel/process-group.ts';
import type { GroupFailure, Kind, Parts } from '../../../../engine/parallel/transport.ts';

type Exchange = (outgoing: Parts, incoming: Parts, kind: Kind, timeoutMs: number | undefined) => void;

/** Rank `rank` of `size` of a group in which nothing is exchanged: for what a rank does by itself. */
export function rankAlone(
  rank: number,
  size: number,
  exchange: Exchange = () => {
    throw new Error('nothing was to be exchanged');
  },
): ProcessGroup {
  const fail = ({ message, ranks }: GroupFailure) => new GroupError(message, ranks);
  return new Collectives({
    rank,
    size,
    exchange: (kind, outgoing, incoming, timeoutMs) => exchange(outgoing, incoming, kind, timeoutMs),
    fail,
    check: () => {},
    abort: (reason) => {
      throw fail({ message: reason, ranks: [rank] });
    },
    close: async () => {},
  });
}

interface Message {
  readonly kind: Kind;
  readonly bytes: Uint8Array;
}

/** Ends a turn of a rank that needs what another rank has not sent yet. */
class NotYet extends Error {}

/**
 * Runs ranks in turn, in one thread: a rank that waits for another one is run again later, from its
 * beginning, until all have come to their end.
 *
 * @param run is a rank; it must compute the same each time.
 * @throws Error if the ranks wait for each other, or do not expect what they send each other.
 */
export function inTurn(size: number, run: (group: ProcessGroup) => void): void {
  const ranks = [...Array(size).keys()];
  /** [sender][receiver] */
  const messages = ranks.map(() => ranks.map((): Message[] => []));
  const numRead = ranks.map(() => ranks.map(() => 0));
  const waiting = new Set(ranks);
  while (waiting.size > 0) {
    let isStuck = true;
    for (const rank of waiting) {
      const [sent, received] = [ranks.map(() => 0), ranks.map(() => 0)];
      const group = rankAlone(rank, size, (outgoing, incoming, kind) => {
        for (const [peer, part] of outgoing.entries()) {
          if (!part || sent[peer]++ < messages[rank][peer].length) continue;
          messages[rank][peer].push({ kind, bytes: part.slice() });
          isStuck = false;
        }
        for (const [peer, part] of incoming.entries()) {
          if (!part) continue;
          const message = messages[peer][rank][received[peer]++];
          if (!message) throw new NotYet();
          const [found, wanted] = [`${message.kind} of ${message.bytes.length}`, `${kind} of ${part.length}`];
          if (found !== wanted)
            throw new Error(`rank ${peer} sent ${found} bytes, rank ${rank} expects ${wanted}`);
          part.set(message.bytes);
        }
      });
      try {
        run(group);
      } catch (error) {
        if (error instanceof NotYet) continue;
        throw error;
      }
      for (const [peer, count] of received.entries()) numRead[peer][rank] = count;
      waiting.delete(rank);
      isStuck = false;
    }
    if (isStuck) throw new Error(`ranks ${[...waiting].join(', ')} wait for each other`);
  }
  for (const [from, to] of ranks.flatMap((from) => ranks.map((to) => [from, to]))) {
    const unread = messages[from][to].length - numRead[from][to];
    if (unread > 0) throw new Error(`rank ${to} has not received ${unread} messages of rank ${from}`);
  }
}
