import { type Stats, statSync } from 'node:fs';
import { HubError, HubOfflineError, show } from '../errors.ts';
import { HubCache, isCommit } from './cache.ts';
import { HubClient } from './client.ts';
import { type DownloadOptions, download } from './download.ts';
import type { HubFetchOptions } from './fetch.ts';
import { missingFiles } from './missing-files.ts';
import { type Environment, hubSettings } from './settings.ts';

/** Options of {@link resolveModel}. */
export interface ResolveModelOptions extends DownloadOptions, HubFetchOptions {
  /** A branch, tag or commit. Default `main`. */
  revision?: string;
  /** Default `process.env`. */
  env?: Environment;
}

/**
 * Finds a model: a directory, or a hub id whose files are in HuggingFace's cache or are fetched into it.
 * Cached files are used without a request. Fetched files are verified against the hashes that the hub
 * announces. An interrupted download is resumed; if another process fetches the same file, this one waits
 * for it.
 *
 * @param model a directory, returned as it is, or `org/name`.
 * @returns the path of a directory that holds the wanted files.
 * @throws HubError if the model does not exist, a required file is missing, the hub cannot be reached,
 * refuses, stops sending, or sends other content than it announced, or the cache cannot be written.
 * HubOfflineError if a file must be fetched but the environment forbids it. If `options.signal` is aborted,
 * its reason is thrown. In every case a snapshot shows complete files only.
 */
export async function resolveModel(model: string, options: ResolveModelOptions): Promise<string> {
  if (isDirectory(model)) return model;
  refuseUnlessHubId(model);
  const revision = options.revision ?? 'main';
  refuseUnlessRevision(revision);

  const settings = hubSettings(options.env ?? process.env);
  const cache = new HubCache(settings.cacheDir, model);
  const cached = cache.commitOf(revision);
  const { required, unknown } = missingFiles(cache, cached, options);
  const isComplete = cached !== undefined && required.length === 0;
  if (isComplete && (settings.offline || unknown.length === 0)) return cache.snapshotDir(cached);
  if (settings.offline) {
    throw new HubOfflineError(
      `${model}: the cache ${cache.folder} lacks ${required.join(', ') || 'the model'} at revision ${revision}, and ` +
        `${settings.offline} forbids fetching it; unset that once, or set HF_HUB_CACHE to the cache that has it`,
    );
  }

  const client = new HubClient(model, settings, options);
  // A complete cached snapshot is used even if its branch has moved on: a model must not change between two
  // runs.
  const known = isComplete || isCommit(revision) ? cached : undefined;
  const commit = known ?? (await client.commitOf(revision));
  await download({ client, cache, commit }, options);
  await cache.setRef(revision, commit);
  return cache.snapshotDir(commit);
}

function isDirectory(model: string): boolean {
  let found: Stats | undefined;
  try {
    found = statSync(model, { throwIfNoEntry: false });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new HubError(`cannot read ${model} (${code}); expected a model directory, or a hub id`, {
      cause,
    });
  }
  if (found && !found.isDirectory()) {
    throw new HubError(`${model}: is not a directory; expected the one that holds the model's files`);
  }
  return found !== undefined;
}

/** Checks an id by the hub's own rules, which also make it safe in paths and URLs. */
function refuseUnlessHubId(model: string): void {
  if (/^[./~]|\\|\/.*\//.test(model)) {
    throw new HubError(
      `${model}: there is no such directory; expected a model directory, or a hub id such as Qwen/Qwen3-0.6B`,
    );
  }
  const part = '[A-Za-z0-9_](?:[\\w.-]{0,94}[A-Za-z0-9_])?';
  if (!new RegExp(`^${part}/${part}$`).test(model) || /--|\.\.|\.git$/.test(model)) {
    throw new HubError(
      `${show(model)}: is neither a directory nor a hub id; a hub id is org/name, such as Qwen/Qwen3-0.6B`,
    );
  }
}

function refuseUnlessRevision(revision: string): void {
  if (!/^\w[\w./-]*$/.test(revision) || revision.includes('..')) {
    throw new HubError(`revision ${show(revision)} is not a branch, tag or commit; the usual one is main`);
  }
}
