import { randomUUID } from 'node:crypto';
import { lstatSync, realpathSync, renameSync, statSync } from 'node:fs';
import { type Temporary, temporary } from './temporary.ts';

/** What the bytes of an output file are written to. */
export interface OutputTarget {
  /** To be opened and written. */
  readonly path: string;
  /** Puts what was written in its place. */
  commit(): void;
  /** Removes what was written and is not in its place. */
  discard(): void;
}

/**
 * A regular file, or none, is replaced whole: it is written under a temporary name beside it and renamed, so
 * that no reader sees half of it. A device, a pipe or a socket is written to, and a symbolic link stays: what
 * it points at is replaced, written to, or made where it is not there.
 *
 * @throws what `stat` throws of a link that cannot be followed, other than to a file that is not there.
 */
export function outputTarget(path: string): OutputTarget {
  const found = statSync(path, { throwIfNoEntry: false });
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
  if (found ? !found.isFile() : isLink) return { path, commit() {}, discard() {} };
  // Only of a file: /dev/stdout may lead to a pipe, which has no path.
  const place = isLink ? realpathSync(path) : path;
  const unfinished: Temporary = temporary(`${place}.${randomUUID()}.tmp`);
  return {
    path: unfinished.path,
    commit: () => renameSync(unfinished.path, place),
    discard: unfinished.remove,
  };
}
