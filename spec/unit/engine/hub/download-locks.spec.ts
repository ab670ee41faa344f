import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { HubError } from '../../../../engine/errors.ts';
import { HubCache } from '../../../../engine/hub/cache.ts';
import { download } from '../../../../engine/hub/download.ts';
import { withLock } from '../../../../engine/hub/lock.ts';
import type { PartialFile } from '../../../../engine/hub/partial.ts';
import { LOOPBACK_MODEL } from '../../../support/hub/loopback-hub.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { fetched, SINGLE, setUp } from './support.ts';

trackResources(test);

test('the signal reaches the pause before another try, and ends the wait for a lock', async (t) => {
  const { hub, cache, client } = await setUp(t, { [SINGLE]: 'weights' });
  const [reason, controller] = [new RangeError('enough'), new AbortController()];
  const { signal } = controller;
  const paused: unknown[] = [];
  hub.intercept = ({ host }, response) =>
    host === 'storage' && paused.length === 0 && !!response.socket?.destroy();
  const delay = async (_ms: number, ends?: AbortSignal) => paused.push(ends);
  await download({ client, cache, commit: hub.commit }, { files: [], weights: true, signal, delay });
  t.is(paused.length, 1);
  t.is(paused[0], signal);
  hub.commit = '2e'.repeat(20);
  const file = { path: SINGLE, size: 7, lfs: true, oid: hub.oidOf(SINGLE) };
  await withLock(cache.lockPath(file), async () => {
    const onWait = () => controller.abort(reason);
    const waiting = download(
      { client, cache, commit: hub.commit },
      { files: [], weights: true, signal, onWait },
    );
    t.is(
      await Promise.race([waiting.catch((error) => error), sleep(20_000, 'it waits', { ref: false })]),
      reason,
    );
  });
});

/** A cache on a file system without symbolic links. */
function withoutLinks(t: ExecutionContext): HubCache {
  return new HubCache(temporaryFolder(t), LOOPBACK_MODEL, async () => {
    throw Object.assign(new Error('EPERM'), { code: 'EPERM', syscall: 'symlink' });
  });
}

test('without symbolic links a snapshot holds the files themselves, which are not fetched again', async (t) => {
  const { hub, client } = await setUp(t, { 'config.json': '{}', [SINGLE]: 'weights' });
  const cache = withoutLinks(t);
  const wanted = { files: ['config.json'], weights: true } as const;
  await download({ client, cache, commit: hub.commit }, wanted);
  t.is(readFileSync(join(cache.snapshotDir(hub.commit), SINGLE), 'utf8'), 'weights');
  hub.requests.length = 0;
  await download({ client, cache, commit: hub.commit }, wanted);
  t.deepEqual(fetched(hub), []);

  // A blob that was there before may be another snapshot's.
  const shared = withoutLinks(t);
  const file = { path: SINGLE, size: 7, lfs: true, oid: hub.oidOf(SINGLE) };
  const fill = (partial: PartialFile) => partial.append(Buffer.from('weights'), 'here');
  await shared.store(file, fill, { from: 'here', isLocked: true });
  await download({ client, cache: shared, commit: hub.commit }, wanted);
  t.true(await shared.hasIntact(file));
});

test.serial(
  'a blob is moved into a snapshot only under the lock: another process may be at it',
  async (t) => {
    const { PATH } = process.env;
    t.teardown(() => {
      process.env.PATH = PATH;
    });
    for (const [path, isMoved] of [
      [PATH, true],
      ['/nowhere', false],
    ] as const) {
      const { hub, client } = await setUp(t, { 'config.json': '{}' });
      const cache = withoutLinks(t);
      // Without the command flock there is no lock.
      process.env.PATH = path;
      await download({ client, cache, commit: hub.commit }, { files: ['config.json'] });
      t.is(existsSync(join(cache.folder, 'blobs', hub.oidOf('config.json'))), !isMoved, `PATH ${path}`);
    }
  },
);

test('a download waits for another process that fetches the same file, and does not fetch it again', async (t) => {
  const { hub, cache, client, listed } = await setUp(t, { [SINGLE]: 'weights' });
  const wanted = { files: [], weights: true } as const;
  const file = { path: SINGLE, size: 7, lfs: true, oid: hub.oidOf(SINGLE) };
  const waited: string[] = [];
  const { promise: isWaiting, resolve: onWait } = Promise.withResolvers<void>();
  const late = await withLock(cache.lockPath(file), async () => {
    const downloading = download(
      { client, cache, commit: hub.commit },
      {
        ...wanted,
        onWait: (path) => {
          waited.push(path);
          onWait();
        },
      },
    );
    await isWaiting;
    const fill = (partial: PartialFile) => partial.append(Buffer.from('weights'), 'here');
    await cache.store(file, fill, { from: 'here', isLocked: true });
    return { downloading };
  });
  await late.downloading;
  t.deepEqual(waited, [SINGLE]);
  t.deepEqual(fetched(hub), []);
  t.deepEqual(listed(), [SINGLE]);
});

test('an error of a lock file that cannot be created names it and the variable', async (t) => {
  const { hub, cache, client } = await setUp(t, { 'config.json': '{}' });
  writeFileSync(join(cache.folder, '../.locks'), '');
  await t.throwsAsync(download({ client, cache, commit: hub.commit }, { files: ['config.json'] }), {
    instanceOf: HubError,
    message: /cannot write .*\.locks\/models--\S+\.lock \(\w+\); .* set HF_HUB_CACHE/,
  });
});
