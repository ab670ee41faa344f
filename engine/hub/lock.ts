import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../terminal/make-folder.ts';

/** Options of {@link withLock}. */
export interface LockOptions {
  /** Called before waiting, if another process holds the lock. */
  onWait?: () => void;
  /** Ends the waiting; its reason is thrown as it is. */
  signal?: AbortSignal;
  /** Injected by tests. Default `flock`. */
  command?: string;
}

/** Exit code of `flock -n` if the file is already locked. */
const BUSY = 1;

/**
 * Runs a task while no other process, including huggingface_hub's, holds the same lock. The lock is
 * flock(2), as in huggingface_hub. Node cannot call it, but Linux's `flock` command locks a file that it
 * inherits, and the lock stays with the open file after the command has ended. The system releases it when
 * this process closes the file or ends.
 *
 * @param path of the lock file; created, and never removed.
 * @param task called with whether the file is locked: false on a system without the command, or a file
 * system without locks.
 * @throws errors of `open` and of the task.
 */
export async function withLock<T>(
  path: string,
  task: (isLocked: boolean) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  makeFolder(dirname(path));
  const handle = await acquire(path, options);
  try {
    return await task(handle !== undefined);
  } finally {
    await handle?.close();
  }
}

async function acquire(path: string, options: LockOptions): Promise<FileHandle | undefined> {
  for (;;) {
    const handle = await open(path, 'a');
    try {
      if (!(await lock(handle, options))) {
        await handle.close();
        return undefined;
      }
      // Some versions of huggingface_hub remove the file that they have locked; then lock the new file.
      const [ours, there] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)]);
      if (ours.ino === there?.ino) return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
  }
}

/** @returns whether the file is locked now; false if this system cannot lock it. */
async function lock(
  { fd }: FileHandle,
  { onWait, signal, command = 'flock' }: LockOptions,
): Promise<boolean> {
  let exitCode = await flock(command, ['-n'], fd, signal);
  if (exitCode === BUSY) onWait?.();
  // A signal to the process group (exit code null) ends the command before it has the lock.
  while (exitCode === BUSY || exitCode === null) exitCode = await flock(command, [], fd, signal);
  return exitCode === 0;
}

/** @returns the exit code; null if a signal ended the command, undefined if it does not exist. */
async function flock(
  command: string,
  flags: string[],
  fd: number,
  signal: AbortSignal | undefined,
): Promise<number | null | undefined> {
  signal?.throwIfAborted();
  const child = spawn(command, [...flags, '3'], { stdio: ['ignore', 'ignore', 'ignore', fd], signal });
  try {
    const [exitCode] = await once(child, 'exit');
    return exitCode;
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}
