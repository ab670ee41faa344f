import type { ProcessGroup, WaitOptions } from '../../../../engine/parallel/process-group.ts';
import { rankAlone } from '../model/ranks-in-turn.ts';

/**
 * Ranks 0 and 1 of a group in one thread: rank 0 sends, and rank 1 receives afterwards, in the same order.
 */
export function oneWayPair(): { sender: ProcessGroup; receiver: ProcessGroup } {
  const sent: Uint8Array[] = [];
  const sender = rankAlone(0, 2, (outgoing) => {
    if (outgoing[1]) sent.push(outgoing[1].slice());
  });
  const receiver = rankAlone(1, 2, (_, incoming) => {
    const message = sent.shift();
    if (!message) throw new Error('rank 0 has sent nothing more');
    if (incoming[0]?.length !== message.length) {
      throw new Error(`rank 0 sent ${message.length} bytes, rank 1 expects ${incoming[0]?.length}`);
    }
    incoming[0].set(message);
  });
  return { sender, receiver };
}

/** A group whose broadcasts and barriers are recorded with their time limits. */
export function limitsOf(group: ProcessGroup): { group: ProcessGroup; limits: (WaitOptions | undefined)[] } {
  const limits: (WaitOptions | undefined)[] = [];
  const recorded: Pick<ProcessGroup, 'broadcast' | 'barrier'> = {
    broadcast(values, root, options) {
      limits.push(options);
      group.broadcast(values, root, options);
    },
    barrier(options) {
      limits.push(options);
    },
  };
  return { group: Object.assign(Object.create(group), recorded), limits };
}
