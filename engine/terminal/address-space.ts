import { readFileSync } from 'node:fs';

/**
 * Bytes of address space that this process may still take under its limit (`ulimit -v`).
 *
 * @param folder of what the system tells of a process; injected by tests.
 * @returns Infinity if there is no limit, or no /proc to say it.
 */
export function addressSpaceLeft(folder = '/proc/self'): number {
  try {
    const limit = /^Max address space +(\d+)/m.exec(readFileSync(`${folder}/limits`, 'utf8'));
    const size = /^VmSize:\s+(\d+) kB$/m.exec(readFileSync(`${folder}/status`, 'utf8'));
    return limit && size ? Number(limit[1]) - 1024 * Number(size[1]) : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
