import { spawnSync } from 'node:child_process';
import { shortageIn } from './shortage.ts';

/**
 * Looks for what the system has too little of to start another process, by starting one.
 *
 * @param command to start; ends at once.
 * @returns what to do about it, as `shortageIn` says it; undefined if threads and memory are left.
 */
export function processShortage(command: readonly string[] = ['sh', '-c', ':']): string | undefined {
  const [file, ...args] = command;
  const { code } = (spawnSync(file, args, { stdio: 'ignore' }).error ?? {}) as NodeJS.ErrnoException;
  // A process that has started all its ranks may have no descriptor left, and needs none.
  return code === 'EAGAIN' || code === 'ENOMEM' ? shortageIn(code) : undefined;
}
