import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { ProcessGroup } from '../process-group.ts';

/** Int32 words of the hash that identifies a machine and a PID namespace on it. */
const NAMESPACE_WORDS = 4;

/** Finds the other ranks on this machine and in this PID namespace. @returns their process ids, by rank. */
export function findLocalRanks(group: ProcessGroup): Map<number, number> {
  const mine = Int32Array.of(process.pid, ...pidNamespace());
  const all = new Int32Array(group.size * mine.length);
  group.allGather(mine, all);
  const localRanks = new Map<number, number>();
  for (let rank = 0; rank < group.size; rank++) {
    const [pid, ...namespace] = all.subarray(rank * mine.length, (rank + 1) * mine.length);
    const isLocal = namespace.every((word, i) => word === mine[1 + i]);
    if (isLocal && rank !== group.rank) localRanks.set(rank, pid);
  }
  return localRanks;
}

/**
 * Kills the given ranks, as far as they are on this machine.
 *
 * @param localRanks of {@link findLocalRanks}.
 */
export function killLocalRanks(localRanks: ReadonlyMap<number, number>, ranks: Iterable<number>): void {
  for (const rank of ranks) {
    const pid = localRanks.get(rank);
    if (pid === undefined) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // The process has ended in the meantime.
    }
  }
}

function pidNamespace(): Int32Array {
  const hash = createHash('sha256').update(`${hostname()} ${bootAndNamespace()}`).digest();
  return new Int32Array(new Uint8Array(hash).buffer, 0, NAMESPACE_WORDS);
}

/**
 * Hostnames are not unique, so we add the boot id, which is random per boot. Containers on one machine may
 * use the same process id for different processes, so we add the PID namespace.
 */
function bootAndNamespace(): string {
  if (process.platform !== 'linux') return '';
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')} ${readlinkSync('/proc/self/ns/pid')}`;
}
