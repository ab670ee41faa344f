import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { HubError } from '../errors.ts';
import { type HubFile, verified } from './hub-file.ts';

/** The names that files have while they are written: whose process it is, and what makes them unique. */
const UNFINISHED = /\.(\d+)-[0-9a-f]{8}\.incomplete$/;
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
 * Everything is written under a name of its own in blobs/ and then renamed, so that neither a crash nor another
 * process at the same work leaves or sees half a file.
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
      for await (const _ of verified(createReadStream(path), file, path));
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Stores the content of a file; it is on the disk when this returns.
   *
   * @throws HubError if it cannot be written; whatever `content` throws passes through. Nothing is left then.
   */
  async store(file: HubFile, content: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#place(this.#blob(file), async (temporary) => {
      const handle = await open(temporary, 'wx');
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
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

  async #place(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
    const blobs = join(this.folder, 'blobs');
    const unique = `${process.pid}-${randomBytes(4).toString('hex')}`;
    const temporary = join(blobs, `${basename(path)}.${unique}.incomplete`);
    try {
      await mkdir(blobs, { recursive: true });
      await mkdir(dirname(path), { recursive: true });
      await write(temporary);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      const { code, syscall } = error as NodeJS.ErrnoException;
      if (syscall === undefined) throw error;
      throw new HubError(
        `${path}: cannot be written (${code}); make room or give access, or set HF_HUB_CACHE to another folder`,
        { cause: error },
      );
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
