import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** How {@link withLock} waits. */
export interface LockOptions {
  /** Called if another holds the lock, before it is waited for. */
  onWait?: () => void;
  /** Ends the waiting; its reason is thrown as it is. */
  signal?: AbortSignal;
  /** Injected by tests. Default `flock`. */
  command?: string;
}

/** How `flock -n` says that another has the lock. */
const BUSY = 1;

/**
 * Runs a task while no other process, of ours or of huggingface_hub, runs one under the same lock: both take it with
 * flock(2). Node has no such call, but the `flock` command of every Linux takes a lock for a file that it inherits, and
 * the lock stays with the file when the command has ended. The system releases it with the process that has the file
 * open, however that ends, so that no lock outlives its owner.
 *
 * @param path of the lock file; it is made, and stays.
 * @param task told whether there is a lock at all: a system without the command, or a file system without locks, has
 * none.
 * @throws the errors of `open`, and whatever the task throws.
 */
export async function withLock<T>(
  path: string,
  task: (isLocked: boolean) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
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
      // Some versions of huggingface_hub remove the file they had locked: a lock on that is none.
      const [ours, there] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)]);
      if (ours.ino === there?.ino) return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
  }
}

/** @returns whether the file is locked now; if not, it cannot be. */
async function lock(
  { fd }: FileHandle,
  { onWait, signal, command = 'flock' }: LockOptions,
): Promise<boolean> {
  let exitCode = await flock(command, ['-n'], fd, signal);
  if (exitCode === BUSY) onWait?.();
  // A signal to the whole process group ends the command, but does not give us the lock.
  while (exitCode === BUSY || exitCode === null) exitCode = await flock(command, [], fd, signal);
  return exitCode === 0;
}

/** @returns null if a signal ended the command, undefined if there is none. */
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
