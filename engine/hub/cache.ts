import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { copyFile, lstat, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { HubError } from '../errors.ts';
import { isRunning } from '../terminal/is-running.ts';
import { makeFolder } from '../terminal/make-folder.ts';
import { type HubFile, verify } from './file.ts';
import { fillPartial, type PartialFile } from './partial.ts';

/** Name of a file while it is written without a lock: process id and random bytes. */
const UNFINISHED = /\.(\d+)-[0-9a-f]{8}\.incomplete$/;
const INCOMPLETE = '.incomplete';
/** What file systems without symbolic links answer: exFAT, SMB, and FUSE in its varieties. */
const NO_SYMLINKS = new Set(['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL']);
/** Longer than any download waits; processes of another host that shares the cache cannot be looked up. */
const ABANDONED_AFTER_MS = 3600_000;

/** Whether a revision is a commit, which never changes, and not a branch or tag. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/**
 * One model in HuggingFace's cache, laid out as huggingface_hub does, so that Python and other tools find
 * it:
 *
 *     models--ORG--NAME/blobs/<oid>                      content; the name is its hash
 *     models--ORG--NAME/snapshots/<commit>/<file>        symbolic links into blobs/, or the files themselves
 *     models--ORG--NAME/refs/<revision>                  commit of a branch or tag when last fetched
 *     models--ORG--NAME/.no_exist/<commit>/<file>        empty; the commit has no such file
 *
 *     models--ORG--NAME/blobs/<oid>.incomplete           the part of a blob that was fetched so far
 *     .locks/models--ORG--NAME/<oid>.lock                locked by the process that fetches it
 *
 * A process without the lock writes to a file in blobs/ with a unique name. Either file is renamed when it
 * is complete, so that no crash and no concurrent process leaves or shows half a file.
 */
export class HubCache {
  readonly folder: string;
  readonly #symlink: typeof symlink;

  /**
   * @param model a valid hub id, `org/name`.
   * @param makeSymlink for tests of file systems that have none.
   */
  constructor(cacheDir: string, model: string, makeSymlink = symlink) {
    this.folder = join(cacheDir, `models--${model.replace('/', '--')}`);
    this.#symlink = makeSymlink;
  }

  /** The directory of a commit's files, whether it exists or not. */
  snapshotDir(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /**
   * The commit of a branch or tag when it was last fetched, or the given commit; undefined if never fetched.
   */
  commitOf(revision: string): string | undefined {
    if (isCommit(revision)) return revision;
    let commit: string;
    try {
      commit = readFileSync(join(this.folder, 'refs', revision), 'utf8').trim();
    } catch {
      // Never fetched; if it cannot be read, the attempt to write it reports that.
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

  /** Whether the blob of a file exists, for example from another commit, and has the right hash. */
  async hasIntact(file: HubFile): Promise<boolean> {
    const path = this.#blob(file);
    try {
      await verify(createReadStream(path), file, path);
      return true;
    } catch {
      return false;
    }
  }

  /** Path of the lock that a process holds while it fetches a file. */
  lockPath(file: HubFile): string {
    return join(dirname(this.folder), '.locks', basename(this.folder), `${file.oid}.lock`);
  }

  /**
   * Stores the content of a file, synced to disk.
   *
   * @param fill appends the rest of the file, as {@link fillPartial} calls it.
   * @param options.from source of the content, for messages.
   * @param options.isLocked whether the caller holds {@link lockPath}. If so, the part that an earlier
   * process fetched is used, and if `fill` fails, the part that it fetched is kept.
   * @throws HubError if the file cannot be written or has another hash; errors of `fill` pass through.
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

  /**
   * Links a file of a commit to its blob. Where the file system has no symbolic links, the file is moved or
   * copied into the snapshot, as by huggingface_hub.
   *
   * @param mayMove whether the caller has just stored the blob and holds {@link lockPath}; a blob that was
   * there before may belong to another commit, and is copied.
   */
  async link(commit: string, file: HubFile, mayMove = false): Promise<void> {
    const path = join(this.snapshotDir(commit), file.path);
    const blob = this.#blob(file);
    // Relative, so that links survive moving the cache.
    const target = relative(dirname(path), blob);
    await this.#place(path, async (temporary) => {
      try {
        await this.#symlink(target, temporary);
      } catch (error) {
        if (!NO_SYMLINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
        await (mayMove ? rename(blob, temporary) : copyFile(blob, temporary));
      }
    });
  }

  /** Writes the commit of a branch or tag. */
  async setRef(revision: string, commit: string): Promise<void> {
    if (revision === commit || this.commitOf(revision) === commit) return;
    await this.#place(join(this.folder, 'refs', revision), (temporary) => writeFile(temporary, commit));
  }

  /**
   * Removes unfinished files of killed processes: files whose process id does not exist on this host and
   * that were not modified for an hour. Files that cannot be removed stay.
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

  /**
   * @param resumable file to write, which is kept after a failure. Default: a new file, removed after a
   * failure.
   */
  async #place(path: string, write: (temporary: string) => Promise<void>, resumable?: string): Promise<void> {
    const blobs = join(this.folder, 'blobs');
    const unique = `${process.pid}-${randomBytes(4).toString('hex')}`;
    const temporary = resumable ?? join(blobs, `${basename(path)}.${unique}${INCOMPLETE}`);
    try {
      makeFolder(blobs);
      makeFolder(dirname(path));
      await write(temporary);
      await rename(temporary, path);
    } catch (error) {
      if (!resumable) await rm(temporary, { force: true }).catch(() => {});
      throw unwritable(path, error);
    }
  }
}

/** Turns an error of the file system into a HubError; returns any other error as it is. */
export function unwritable(path: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  return new HubError(
    `cannot write ${path} (${code}); make room or give access, or set HF_HUB_CACHE to another folder`,
    { cause: error },
  );
}
