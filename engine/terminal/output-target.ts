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
 * it points at is replaced or written to.
 *
 * @throws what `realpath` throws of a link that cannot be followed, other than to a file that is not there.
 */
export function outputTarget(path: string): OutputTarget {
  const place = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? followed(path) : path;
  const found = place && statSync(place, { throwIfNoEntry: false });
  if (place === undefined || (found && !found.isFile())) return { path, commit() {}, discard() {} };
  const unfinished: Temporary = temporary(`${place}.${randomUUID()}.tmp`);
  return {
    path: unfinished.path,
    commit: () => renameSync(unfinished.path, place),
    discard: unfinished.remove,
  };
}

/** Undefined if the link points at a file that is not there: opening the link makes it. */
function followed(link: string): string | undefined {
  try {
    return realpathSync(link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
