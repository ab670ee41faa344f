import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
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

function place(): Int32Array {
  const hash = createHash('sha256').update(`${hostname()} ${processSpace()}`).digest();
  return new Int32Array(new Uint8Array(hash).buffer, 0, PLACE_LENGTH);
}

/** Containers of one machine may have one name, and the same process id for different processes. */
function processSpace(): string {
  return process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid') : '';
}
