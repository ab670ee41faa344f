import { HubError } from '../errors.ts';
import { type HubCache, unwritable } from './cache.ts';
import type { HubClient } from './client.ts';
import type { HubFetchOptions } from './fetch.ts';
import type { HubFile } from './file.ts';
import { withLock } from './lock.ts';
import type { PartialFile } from './partial.ts';
import { receive } from './receive.ts';
import { lacking, SINGLE_WEIGHTS, type WantedFiles, WEIGHTS_INDEX } from './wanted.ts';

/** What {@link download} takes beside hub, cache and commit. */
export interface DownloadOptions extends WantedFiles, Pick<HubFetchOptions, 'delay' | 'signal'> {
  /** Called as a file arrives, with bytes; what an earlier download fetched of it counts. */
  onProgress?: (file: string, done: number, total: number) => void;
  /** Called if another process is fetching a file, before that is waited for. */
  onWait?: (file: string) => void;
}

/**
 * Brings into the cache what a commit's snapshot lacks of the wanted files, one after another, each verified. Each
 * round asks for all that is known to be lacking: what arrives may show more, as an index does its shards.
 *
 * @throws HubError if a required file is missing, or cannot be fetched, verified or stored. If only optional files are
 * in question, a hub that does not answer is no error: the snapshot serves as it is. The reason of the signal
 * is thrown as it is. What was fetched of a file is kept for the next download, unless it is wrong.
 */
export async function download(
  client: HubClient,
  cache: HubCache,
  commit: string,
  options: DownloadOptions,
): Promise<void> {
  await cache.removeAbandoned();
  for (;;) {
    const { required, unknown } = lacking(cache, commit, options);
    if (required.length === 0 && unknown.length === 0) return;
    const asked = [...new Set([...required, ...unknown])];
    const found = await client.filesAt(commit, asked).catch((error) => {
      if (required.length > 0 || !(error instanceof HubError)) throw error;
    });
    if (!found) return;
    for (const path of asked.filter((path) => !found.some((file) => file.path === path))) {
      const isRequired = required.includes(path);
      // Weights may be sharded instead; then the next round looks for their index.
      const mayBeSharded = path === SINGLE_WEIGHTS && !options.files.includes(path);
      if (isRequired && !mayBeSharded) throw missing(client.model, commit, path);
      await cache.markAbsent(commit, path);
    }
    for (const file of found) await fetchFile(client, cache, commit, file, options);
  }
}

function missing(model: string, commit: string, path: string): HubError {
  const what = path === WEIGHTS_INDEX ? `neither ${SINGLE_WEIGHTS} nor ${WEIGHTS_INDEX}` : `no ${path}`;
  return new HubError(
    `${model}: the repository has ${what} (commit ${commit}); choose a model or revision that does`,
  );
}

async function fetchFile(
  client: HubClient,
  cache: HubCache,
  commit: string,
  file: HubFile,
  { onProgress, onWait, delay, signal }: DownloadOptions,
): Promise<void> {
  const from = client.urlOf(commit, file);
  const onBytes = (done: number) => onProgress?.(file.path, done, file.size);
  const fetchUnlessStored = async (isLocked: boolean) => {
    // Whoever was waited for has fetched it, or another commit has the same.
    if (await cache.hasIntact(file)) return;
    const fill = (partial: PartialFile) => receive(client, commit, file, partial, { delay, signal, onBytes });
    await cache.store(file, fill, { from, isLocked });
  };
  const lock = cache.lockPath(file);
  await withLock(lock, fetchUnlessStored, { signal, onWait: () => onWait?.(file.path) }).catch((error) => {
    throw unwritable(lock, error);
  });
  await cache.link(commit, file);
}
