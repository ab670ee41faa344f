import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { HubError } from '../errors.ts';
import { type HubFile, verify } from './file.ts';
import { fillPartial, type PartialFile } from './partial.ts';

/** The names that files have while they are written: whose process it is, and what makes them unique. */
const UNFINISHED = /\.(\d+)-[0-9a-f]{8}\.incomplete$/;
const INCOMPLETE = '.incomplete';
/** Downloads give up long before; another host that shares the cache may have processes that this one cannot see. */
const ABANDONED_AFTER_MS = 3600_000;

/** Whether a revision names a commit, which never changes, and not a branch or tag. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/**
 * One model in HuggingFace's cache, laid out as huggingface_hub does, so that Python and other tools find it:
 *
 *     models--ORG--NAME/blobs/<oid>                      content; the name is its hash
 *     models--ORG--NAME/snapshots/<commit>/<file>        symbolic links into blobs/
 *     models--ORG--NAME/refs/<revision>                  the commit a branch or tag was last seen at
 *     models--ORG--NAME/.no_exist/<commit>/<file>        empty; the commit has no such file
 *
 *     models--ORG--NAME/blobs/<oid>.incomplete           what was fetched of a blob so far
 *     .locks/models--ORG--NAME/<oid>.lock                locked by whoever fetches it
 *
 * Whoever has no lock writes under a name of its own in blobs/. Either is renamed when it is whole, so that neither a
 * crash nor another process at the same work leaves or shows half a file.
 */
export class HubCache {
  readonly folder: string;

  /** @param model a valid hub id, `org/name`. */
  constructor(cacheDir: string, model: string) {
    this.folder = join(cacheDir, `models--${model.replace('/', '--')}`);
  }

  /** The directory of a commit's files, whether it exists or not. */
  snapshotDir(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** The commit that a branch or tag was last seen at; a commit is its own. */
  commitOf(revision: string): string | undefined {
    if (isCommit(revision)) return revision;
    let commit: string;
    try {
      commit = readFileSync(join(this.folder, 'refs', revision), 'utf8').trim();
    } catch {
      // Never seen; or not to be read, which the attempt to write it will report.
      return undefined;
    }
    return isCommit(commit) ? commit : undefined;
  }

  has(commit: string, file: string): boolean {
    return existsSync(join(this.snapshotDir(commit), file));
  }

  /** Whether it is known that the commit has no such file. */
  knowsAbsent(commit: string, file: string): boolean {
    return existsSync(join(this.folder, '.no_exist', commit, file));
  }

  async markAbsent(commit: string, file: string): Promise<void> {
    await this.#place(join(this.folder, '.no_exist', commit, file), (temporary) => writeFile(temporary, ''));
  }

  /** Whether the content of a file is there already, for example from another commit, and undamaged. */
  async hasIntact(file: HubFile): Promise<boolean> {
    const path = this.#blob(file);
    try {
      await verify(createReadStream(path), file, path);
      return true;
    } catch {
      return false;
    }
  }

  /** What to lock while a file is fetched. */
  lockPath(file: HubFile): string {
    return join(dirname(this.folder), '.locks', basename(this.folder), `${file.oid}.lock`);
  }

  /**
   * Stores the content of a file; it is on the disk when this returns.
   *
   * @param fill brings the file to its full length, as {@link fillPartial} wants it.
   * @param options.from where the content comes from, for messages.
   * @param options.isLocked whether the caller has locked {@link lockPath}. Then what an earlier process fetched is
   * used, and what this one has fetched stays if it fails.
   * @throws HubError if it cannot be written, or is not what was announced; whatever `fill` throws passes through.
   */
  async store(
    file: HubFile,
    fill: (partial: PartialFile) => Promise<void>,
    { from, isLocked }: { from: string; isLocked: boolean },
  ): Promise<void> {
    const blob = this.#blob(file);
    const resumable = isLocked ? `${blob}${INCOMPLETE}` : undefined;
    await this.#place(blob, (temporary) => fillPartial(temporary, file, fill, from), resumable);
  }

  /** Shows stored content as a file of a commit. */
  async link(commit: string, file: HubFile): Promise<void> {
    const path = join(this.snapshotDir(commit), file.path);
    // Relative, so that the cache can be moved.
    const target = relative(dirname(path), this.#blob(file));
    await this.#place(path, (temporary) => symlink(target, temporary));
  }

  /** Remembers the commit that a branch or tag is at. */
  async setRef(revision: string, commit: string): Promise<void> {
    if (revision === commit || this.commitOf(revision) === commit) return;
    await this.#place(join(this.folder, 'refs', revision), (temporary) => writeFile(temporary, commit));
  }

  /**
   * Removes what processes that were killed had half written: no process of this host has the number in its name, and
   * nobody has touched it for an hour. What cannot be removed stays.
   */
  async removeAbandoned(): Promise<void> {
    const blobs = join(this.folder, 'blobs');
    for (const name of await readdir(blobs).catch(() => [])) {
      const pid = UNFINISHED.exec(name)?.[1];
      if (pid === undefined || isRunning(Number(pid))) continue;
      const path = join(blobs, name);
      const age = await lstat(path).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (age > ABANDONED_AFTER_MS) await rm(path, { force: true }).catch(() => {});
    }
  }

  #blob(file: HubFile): string {
    return join(this.folder, 'blobs', file.oid);
  }

  /** @param resumable where to write, if it is to stay after a failure. Default a name of its own. */
  async #place(path: string, write: (temporary: string) => Promise<void>, resumable?: string): Promise<void> {
    const blobs = join(this.folder, 'blobs');
    const unique = `${process.pid}-${randomBytes(4).toString('hex')}`;
    const temporary = resumable ?? join(blobs, `${basename(path)}.${unique}${INCOMPLETE}`);
    try {
      await mkdir(blobs, { recursive: true });
      await mkdir(dirname(path), { recursive: true });
      await write(temporary);
      await rename(temporary, path);
    } catch (error) {
      if (!resumable) await rm(temporary, { force: true }).catch(() => {});
      throw unwritable(path, error);
    }
  }
}

/** A failure of the file system in one line; whatever else it is stays what it is. */
export function unwritable(path: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  return new HubError(
    `${path}: cannot be written (${code}); make room or give access, or set HF_HUB_CACHE to another folder`,
    { cause: error },
  );
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
