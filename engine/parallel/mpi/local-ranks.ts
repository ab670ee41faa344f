import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ProcessGroup } from '../process-group.ts';

/** Whole numbers that tell one machine, and within it one space of process ids, from another. */
const PLACE_LENGTH = 4;

/** Finds out which ranks are processes of this machine. @returns their process ids, by rank, this one's not among them. */
export function findNeighbours(group: ProcessGroup): Map<number, number> {
  const mine = Int32Array.of(process.pid, ...place());
  const all = new Int32Array(group.size * mine.length);
  group.allGather(mine, all);
  const neighbours = new Map<number, number>();
  for (let rank = 0; rank < group.size; rank++) {
    const [pid, ...where] = all.subarray(rank * mine.length, (rank + 1) * mine.length);
    const isHere = where.every((word, i) => word === mine[1 + i]);
    if (isHere && rank !== group.rank) neighbours.set(rank, pid);
  }
  return neighbours;
}

/** Kills the processes of those ranks that are on this machine. */
export function killNeighbours(neighbours: ReadonlyMap<number, number>, ranks: Iterable<number>): void {
  for (const rank of ranks) {
    const pid = neighbours.get(rank);
    if (pid === undefined) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended in the meantime.
    }
  }
}

function place(): Int32Array {
  const hash = createHash('sha256').update(`${hostname()} ${machine()}`).digest();
  return new Int32Array(new Uint8Array(hash).buffer, 0, PLACE_LENGTH);
}

/**
 * Machines may have one name, and the system gives the first space of process ids the same number on all of them: what
 * tells them apart is drawn anew at every start. Containers of one machine may have the same process id for different
 * processes.
 */
function machine(): string {
  if (process.platform !== 'linux') return '';
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')} ${readlinkSync('/proc/self/ns/pid')}`;
}
