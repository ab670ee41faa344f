import { renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FileError, UsageError } from '../../../engine/errors.ts';
import { temporary } from '../../../engine/terminal/temporary.ts';

/**
 * Checks before the measurement that its report can be written.
 * @throws UsageError if the file's folder does not exist.
 */
export function checkWritable(path: string): void {
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UsageError(`${path} cannot be written: there is no folder ${dirname(path)}; make it first`);
}

/**
 * Writes a file whole: under a temporary name, then renamed.
 * @throws FileError if it cannot be written.
 */
export function writeWhole(path: string, text: string): void {
  const unfinished = temporary(`${path}.${process.pid}.tmp`);
  try {
    writeFileSync(unfinished.path, text);
    renameSync(unfinished.path, path);
  } catch (cause) {
    throw new FileError(`${path}: cannot be written (${(cause as NodeJS.ErrnoException).code})`, { cause });
  } finally {
    unfinished.remove();
  }
}
