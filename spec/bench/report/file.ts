import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsageError } from '../../../engine/errors.ts';

/**
 * A bench takes minutes, so its files are checked before.
 * @throws UsageError if the file's folder does not exist.
 */
export function checkWritable(path: string): void {
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UsageError(`cannot write ${path}: there is no folder ${dirname(path)}; make it first`);
}
