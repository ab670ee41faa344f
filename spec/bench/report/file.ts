import { renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FileError, UsageError } from '../../../engine/errors.ts';
import { temporary } from '../../../engine/terminal/temporary.ts';

/** Whoever measures for minutes wants to know before. @throws UsageError if the file's folder does not exist. */
export function checkWritable(path: string): void {
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UsageError(`${path} cannot be written: there is no folder ${dirname(path)}; make it first`);
}

/** Writes a file under a temporary name and renames it, so that no half of it is seen. @throws FileError if it cannot be. */
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
