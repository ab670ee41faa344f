import { renameSync, writeFileSync } from 'node:fs';
import { FileError } from '../errors.ts';
import { temporary } from './temporary.ts';

/**
 * Writes a file under a temporary name beside it and renames it, so that no reader sees half of it.
 *
 * @param text written as UTF-8.
 * @throws FileError if the file cannot be written; what stood there before is kept.
 */
export function writeWhole(path: string, text: string): void {
  const unfinished = temporary(`${path}.${process.pid}.tmp`);
  try {
    writeFileSync(unfinished.path, text);
    renameSync(unfinished.path, path);
  } catch (cause) {
    throw new FileError(`cannot write ${path} (${(cause as NodeJS.ErrnoException).code})`, { cause });
  } finally {
    unfinished.remove();
  }
}
