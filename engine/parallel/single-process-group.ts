import { GroupError } from '../errors.ts';
import { Collectives } from './collectives.ts';
import type { ProcessGroup } from './process-group.ts';
import type { GroupFailure } from './transport.ts';

/** A group whose only rank is this process, so that code for many ranks runs on one. */
export function singleProcessGroup(): ProcessGroup {
  const fail = ({ message, ranks }: GroupFailure) => new GroupError(message, ranks);
  return new Collectives({
    rank: 0,
    size: 1,
    exchange: () => {},
    check: () => {},
    fail,
    abort: (reason) => {
      throw fail({ message: `Rank 0 gave up: ${reason}`, ranks: [0] });
    },
    close: async () => {},
  });
}
