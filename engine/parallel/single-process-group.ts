import { GroupError } from '../errors.ts';
import { Collectives } from './collectives.ts';
import type { ProcessGroup } from './process-group.ts';

/** A group of this process alone: what is written for many ranks runs on one. */
export function singleProcessGroup(): ProcessGroup {
  const fail = (message: string, ranks: readonly number[]) => new GroupError(message, ranks);
  return new Collectives({
    rank: 0,
    size: 1,
    exchange: () => {},
    fail,
    abort: (reason) => {
      throw fail(`Rank 0 gave up: ${reason}`, [0]);
    },
    close: async () => {},
  });
}
