import { readdirSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { HubCache } from '../../../../engine/hub/cache.ts';
import { HubClient } from '../../../../engine/hub/client.ts';
import { LOOPBACK_MODEL, LoopbackHub } from '../../../support/hub/loopback-hub.ts';
import { closing, temporaryFolder } from '../../../support/processes/cleanup.ts';

export const SINGLE = 'model.safetensors';

/** A hub with these files, a client of it that does not pause, and an empty cache. */
export async function setUp(t: ExecutionContext, files: Record<string, string | Uint8Array>) {
  const hub = closing(t, await LoopbackHub.start(files));
  const cache = new HubCache(temporaryFolder(t), LOOPBACK_MODEL);
  const settings = { cacheDir: '', endpoint: hub.url, token: undefined, offline: undefined };
  const client = new HubClient(LOOPBACK_MODEL, settings, { delay: async () => {} });
  const listed = () => readdirSync(cache.snapshotDir(hub.commit)).sort();
  return { hub, cache, client, listed };
}

/** The files whose content was requested from the hub, in order. */
export const fetched = (hub: LoopbackHub) =>
  hub.lines.filter((line) => line.includes('/resolve/')).map((line) => line.split(`${hub.commit}/`)[1]);
