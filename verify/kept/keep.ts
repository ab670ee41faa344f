import { dirname } from 'node:path';
import { FileError } from '../../engine/errors.ts';
import { makeFolder } from '../../engine/terminal/make-folder.ts';

/**
 * Writes a file of the cache. A folder that cannot be written only means that the next run computes the same
 * again.
 *
 * @throws what `write` throws that is not about the file.
 */
export function keep(path: string, write: () => void): void {
  try {
    makeFolder(dirname(path));
    write();
  } catch (error) {
    if (!(error instanceof FileError) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
  }
}
