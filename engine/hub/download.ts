import { HubError } from '../errors.ts';
import { type HubCache, unwritable } from './cache.ts';
import type { HubClient } from './client.ts';
import type { HubFetchOptions } from './fetch.ts';
import type { HubFile } from './file.ts';
import { withLock } from './lock.ts';
import {
  markOf,
  missingFiles,
  patternOf,
  SINGLE_WEIGHTS,
  type WantedFiles,
  WEIGHTS_INDEX,
} from './missing-files.ts';
import type { PartialFile } from './partial.ts';
import { receive } from './receive.ts';

/** The snapshot to fetch: a commit, from where, and into which cache. */
export interface Snapshot {
  readonly client: HubClient;
  readonly cache: HubCache;
  readonly commit: string;
}

/** Options of {@link download}. */
export interface DownloadOptions extends WantedFiles, Pick<HubFetchOptions, 'delay' | 'signal'> {
  /** Called as a file arrives, with its bytes so far, including those of an earlier download. */
  onProgress?: (file: string, done: number, total: number) => void;
  /** Called before waiting for another process that fetches the same file. */
  onWait?: (file: string) => void;
}

/**
 * Fetches the wanted files that a snapshot lacks into the cache, one after another, and verifies each. Each
 * round requests all files known to be missing; a fetched index may add its shards for the next round.
 *
 * @throws HubError if the repository lacks a required file, or a file cannot be fetched, verified or stored.
 * If only optional files are missing, a hub that does not answer is no error. The reason of the signal is
 * thrown as it is. The part of a file that was fetched is kept for the next download, unless it is wrong.
 */
export async function download(snapshot: Snapshot, options: DownloadOptions): Promise<void> {
  const { client, cache, commit } = snapshot;
  await cache.removeAbandoned();
  for (;;) {
    const { required, unknown } = missingFiles(cache, commit, options);
    if (required.length === 0 && unknown.length === 0) return;
    const requested = [...new Set([...required, ...unknown])];
    const found = await client.filesAt(commit, requested).catch((error) => {
      if (required.length > 0 || !(error instanceof HubError)) throw error;
    });
    if (!found) return;
    for (const path of requested.filter((path) => !found.some((file) => file.path === path))) {
      const isRequired = required.includes(path);
      // The weights may be sharded; then the next round requests their index.
      const mayBeSharded = path === SINGLE_WEIGHTS && !options.files.includes(path);
      if (isRequired && !mayBeSharded) throw notInRepository(client.model, commit, path);
      if (!patternOf(path)) await cache.markAbsent(commit, path);
    }
    for (const file of found) await fetchFile(snapshot, file, options);
    for (const path of requested.filter(patternOf)) await cache.markAbsent(commit, markOf(path));
  }
}

function notInRepository(model: string, commit: string, path: string): HubError {
  const what = path === WEIGHTS_INDEX ? `neither ${SINGLE_WEIGHTS} nor ${WEIGHTS_INDEX}` : `no ${path}`;
  return new HubError(
    `${model}: the repository has ${what} (commit ${commit}); choose a model or revision that does`,
  );
}

async function fetchFile(
  { client, cache, commit }: Snapshot,
  file: HubFile,
  { onProgress, onWait, delay, signal }: DownloadOptions,
): Promise<void> {
  const from = client.urlOf(commit, file);
  const onBytes = (done: number) => onProgress?.(file.path, done, file.size);
  const fetchUnlessStored = async (isLocked: boolean) => {
    // The process that was waited for has fetched it.
    if (cache.has(commit, file.path)) return;
    // Another commit may have the same file.
    const isStored = await cache.hasIntact(file);
    if (!isStored) {
      const fill = (partial: PartialFile) =>
        receive(partial, { client, commit, file, delay, signal, onBytes });
      await cache.store(file, fill, { from, isLocked });
    }
    await cache.link(commit, file, isLocked && !isStored);
  };
  const lock = cache.lockPath(file);
  await withLock(lock, fetchUnlessStored, { signal, onWait: () => onWait?.(file.path) }).catch((error) => {
    throw unwritable(lock, error);
  });
}
