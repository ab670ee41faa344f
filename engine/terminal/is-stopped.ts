import { readFileSync } from 'node:fs';

/**
 * Whether a process of this host is stopped, as by SIGSTOP, by its terminal or by a debugger.
 *
 * @returns false where there is no /proc to say it, or no such process.
 */
export function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The state follows the program's name, which is in parentheses and may have some of its own.
    return /^\) [Tt] /.test(stat.slice(stat.lastIndexOf(')')));
  } catch {
    return false;
  }
}
