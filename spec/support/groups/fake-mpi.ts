import { GroupError } from '../../../engine/errors.ts';
import type { Arrival, MpiCalls } from '../../../engine/parallel/mpi/calls.ts';

interface Sent {
  readonly bytes: Uint8Array;
  readonly tag: number;
}

interface Receiving {
  readonly from: number;
  readonly bytes: Uint8Array;
}

/** One rank of {@link fakeMpi}. */
export interface FakeMpi extends MpiCalls {
  /** Ranks that this one cannot send to any more. */
  readonly unreachable: Set<number>;
  /** Calls of `finalize` and `abort`. */
  readonly ended: string[];
}

/**
 * Ranks of MPI in one thread: a message arrives as soon as it is sent, in order, and is matched by the next
 * `test` of a receive from its sender.
 */
export function fakeMpi(size: number): FakeMpi[] {
  const ranks = [...Array(size).keys()];
  const queues: Sent[][][] = ranks.map(() => ranks.map(() => []));
  return ranks.map((rank): FakeMpi => {
    const receiving = new Map<Uint8Array, Receiving>();
    const unreachable = new Set<number>();
    const ended: string[] = [];
    return {
      name: 'fake',
      version: 'fake',
      rank,
      size,
      unreachable,
      ended,
      startSend(bytes, to, tag) {
        if (unreachable.has(to)) throw new GroupError('MPI_Isend failed: connection refused');
        queues[rank][to].push({ bytes: bytes.slice(), tag });
        return new Uint8Array(8);
      },
      startReceive(bytes, from) {
        const request = new Uint8Array(8);
        receiving.set(request, { from, bytes });
        return request;
      },
      test(request): Arrival | undefined {
        const receive = receiving.get(request);
        if (!receive) return { tag: 0, bytes: 0 };
        const sent = queues[receive.from][rank].shift();
        if (!sent) return undefined;
        receiving.delete(request);
        if (sent.bytes.length > receive.bytes.length)
          throw new GroupError('MPI_Test failed: message truncated');
        receive.bytes.set(sent.bytes);
        return { tag: sent.tag, bytes: sent.bytes.length };
      },
      probe(from): Arrival | undefined {
        const [next] = queues[from][rank];
        return next && { tag: next.tag, bytes: next.bytes.length };
      },
      finalize: () => void ended.push('finalize'),
      abort: (exitCode) => void ended.push(`abort ${exitCode}`),
    };
  });
}
