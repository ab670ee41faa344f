import { writeFileSync } from 'node:fs';
import { FileError } from '../errors.ts';
import { type OutputTarget, outputTarget } from './output-target.ts';

/**
 * Writes a file so that no reader sees half of it, see {@link outputTarget}.
 *
 * @param text written as UTF-8.
 * @throws FileError if the file cannot be written; what stood there before is kept.
 */
export function writeWhole(path: string, text: string): void {
  let target: OutputTarget | undefined;
  try {
    target = outputTarget(path);
    writeFileSync(target.path, text);
    target.commit();
  } catch (cause) {
    throw new FileError(`cannot write ${path} (${(cause as NodeJS.ErrnoException).code})`, { cause });
  } finally {
    target?.discard();
  }
}
