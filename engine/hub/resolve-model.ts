import { type Stats, statSync } from 'node:fs';
import { HubError, HubOfflineError } from '../errors.ts';
import { HubCache, isCommit } from './cache.ts';
import { HubClient } from './client.ts';
import { type DownloadOptions, download } from './download.ts';
import type { HubFetchOptions } from './fetch.ts';
import { type Environment, hubSettings } from './settings.ts';
import { lacking } from './wanted.ts';

/** What {@link resolveModel} takes beside the model. */
export interface ResolveModelOptions extends DownloadOptions, HubFetchOptions {
  /** A branch, tag or commit. Default `main`. */
  revision?: string;
  /** Default `process.env`. */
  env?: Environment;
}

/**
 * Finds a model: a directory, or a hub id whose files are in HuggingFace's cache or are fetched into it. What the
 * cache has is used without a request. What is fetched is verified against the hashes that the hub announces. A
 * download that was cut is taken up where it broke, and one of another process is waited for.
 *
 * @param model a directory, returned as it is, or `org/name`.
 * @returns the path of a directory that holds the wanted files.
 * @throws HubError if there is no such model (HubOfflineError if nobody may look for it), a required file is missing, the hub cannot be reached, refuses, or
 * falls silent, sends something else than it announced, or the cache cannot be written. If `options.signal` is aborted,
 * its reason is thrown. Either way a snapshot shows whole files alone.
 */
export async function resolveModel(model: string, options: ResolveModelOptions): Promise<string> {
  if (isDirectory(model)) return model;
  refuseUnlessHubId(model);
  const revision = options.revision ?? 'main';
  refuseUnlessRevision(revision);

  const settings = hubSettings(options.env ?? process.env);
  const cache = new HubCache(settings.cacheDir, model);
  const cached = cache.commitOf(revision);
  const { required, unknown } = lacking(cache, cached, options);
  const isComplete = cached !== undefined && required.length === 0;
  if (isComplete && (settings.offline || unknown.length === 0)) return cache.snapshotDir(cached);
  if (settings.offline) {
    throw new HubOfflineError(
      `${model}: the cache ${cache.folder} lacks ${required.join(', ') || 'the model'} at revision ${revision}, and ` +
        `${settings.offline} forbids to fetch it; unset that once, or point HF_HUB_CACHE to the cache that has it`,
    );
  }

  const client = new HubClient(model, settings, options);
  // A branch is followed only when what is cached does not serve: a model must not change under its user's feet.
  const known = isComplete || isCommit(revision) ? cached : undefined;
  const commit = known ?? (await client.commitOf(revision));
  await download(client, cache, commit, options);
  await cache.setRef(revision, commit);
  return cache.snapshotDir(commit);
}

function isDirectory(model: string): boolean {
  let found: Stats | undefined;
  try {
    found = statSync(model, { throwIfNoEntry: false });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new HubError(`${model}: cannot be read (${code}); expected a model directory, or a hub id`, {
      cause,
    });
  }
  if (found && !found.isDirectory()) {
    throw new HubError(`${model}: is not a directory; expected the one that holds the model's files`);
  }
  return found !== undefined;
}

/** The hub's own rules, so that an id is a safe part of paths and URLs. */
function refuseUnlessHubId(model: string): void {
  if (/^[./~]|\\|\/.*\//.test(model)) {
    throw new HubError(
      `${model}: there is no such directory; expected a model directory, or a hub id such as Qwen/Qwen3-0.6B`,
    );
  }
  const part = '[A-Za-z0-9_](?:[\\w.-]{0,94}[A-Za-z0-9_])?';
  if (!new RegExp(`^${part}/${part}$`).test(model) || /--|\.\.|\.git$/.test(model)) {
    throw new HubError(
      `"${model}": is neither a directory nor a hub id; a hub id is org/name, such as Qwen/Qwen3-0.6B`,
    );
  }
}

function refuseUnlessRevision(revision: string): void {
  if (!/^\w[\w./-]*$/.test(revision) || revision.includes('..')) {
    throw new HubError(`revision "${revision}" is not a branch, tag or commit; the usual one is main`);
  }
}
