import { GroupError } from '../../../../engine/errors.ts';
import { Collectives } from '../../../../engine/parallel/collectives.ts';
import type { ProcessGroup } from '../../../../engine/parallel/process-group.ts';
import type { GroupFailure, Parts } from '../../../../engine/parallel/transport.ts';

/** Rank `rank` of `size` of a group in which nothing is exchanged: for what a rank does by itself. */
export function rankAlone(
  rank: number,
  size: number,
  exchange: (outgoing: Parts, incoming: Parts) => void = () => {
    throw new Error('nothing was to be exchanged');
  },
): ProcessGroup {
  const fail = ({ message, ranks }: GroupFailure) => new GroupError(message, ranks);
  return new Collectives({
    rank,
    size,
    exchange: (_kind, outgoing, incoming) => exchange(outgoing, incoming),
    fail,
    check: () => {},
    abort: (reason) => {
      throw fail({ message: reason, ranks: [rank] });
    },
    close: async () => {},
  });
}

/**
 * Runs ranks one after the other, twice: what they send the first time is what they receive the second time.
 *
 * @param run is a rank with a single exchange whose outgoing values do not depend on the incoming ones.
 */
export function inTurn(size: number, run: (group: ProcessGroup) => void): void {
  const sent = new Map<number, Parts>();
  const ranks = [...Array(size).keys()];
  for (const rank of ranks) {
    run(
      rankAlone(rank, size, (outgoing) => {
        sent.set(
          rank,
          outgoing.map((part) => part?.slice()),
        );
      }),
    );
  }
  for (const rank of ranks) {
    run(
      rankAlone(rank, size, (_, incoming) => {
        for (const [peer, part] of incoming.entries()) {
          const from = sent.get(peer)?.[rank];
          if (!part !== !from || part?.length !== from?.length) throw new Error('ranks expect other lengths');
          if (part && from) part.set(from);
        }
      }),
    );
  }
}
