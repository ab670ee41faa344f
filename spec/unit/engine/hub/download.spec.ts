import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { HubError } from '../../../../engine/errors.ts';
import { HubCache } from '../../../../engine/hub/cache.ts';
import { HubClient } from '../../../../engine/hub/client.ts';
import { download } from '../../../../engine/hub/download.ts';
import { withLock } from '../../../../engine/hub/lock.ts';
import type { PartialFile } from '../../../../engine/hub/partial.ts';
import { LOOPBACK_MODEL, LoopbackHub } from '../../../support/hub/loopback-hub.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const SHARDS = ['model-1.safetensors', 'model-2.safetensors'];
const SHARDED = {
  'config.json': '{}',
  [INDEX]: JSON.stringify({ weight_map: { a: SHARDS[0], b: SHARDS[1], c: SHARDS[1] } }),
  [SHARDS[0]]: 'one',
  [SHARDS[1]]: 'two',
};

async function setUp(t: ExecutionContext, files: Record<string, string | Uint8Array>) {
  const hub = closing(t, await LoopbackHub.start(files));
  const cache = new HubCache(temporaryFolder(t), LOOPBACK_MODEL);
  const settings = { cacheDir: '', endpoint: hub.url, token: undefined, offline: undefined };
  const client = new HubClient(LOOPBACK_MODEL, settings, { delay: async () => {} });
  const listed = () => readdirSync(cache.snapshotDir(hub.commit)).sort();
  return { hub, cache, client, listed };
}

/** The files whose content was requested from the hub, in order. */
const fetched = (hub: LoopbackHub) =>
  hub.lines.filter((line) => line.includes('/resolve/')).map((line) => line.split(`${hub.commit}/`)[1]);

test('all files of a round are looked up in one request, and each is fetched once', async (t) => {
  const { hub, cache, client, listed } = await setUp(t, {
    'config.json': '{}',
    [SINGLE]: 'w',
    'README.md': '#',
  });
  await download(
    { client, cache, commit: hub.commit },
    {
      files: ['config.json'],
      optional: ['config.json', 'a.json'],
      weights: true,
    },
  );
  t.deepEqual(listed(), ['config.json', SINGLE]);
  t.deepEqual(fetched(hub), ['config.json', SINGLE]);
  t.is(hub.lines.filter((line) => line.startsWith('POST')).length, 1);
  t.true(cache.knowsAbsent(hub.commit, 'a.json'));
});

test('sharded weights are fetched through their index', async (t) => {
  const { hub, cache, client, listed } = await setUp(t, SHARDED);
  await download({ client, cache, commit: hub.commit }, { files: ['config.json'], weights: true });
  t.deepEqual(listed(), ['config.json', INDEX, ...SHARDS].sort());
  t.deepEqual(fetched(hub), ['config.json', INDEX, ...SHARDS]);
});

test('a pattern fetches the files of its folder, all of them before they are known to be all', async (t) => {
  const templates = ['tool_use', 'rag'].map((name) => `templates/${name}.jinja`);
  const others = ['templates/README.md', 'templates/old/rag.jinja', 'templates/..jinja', 'rag.jinja'];
  const { hub, cache, client } = await setUp(
    t,
    Object.fromEntries(['config.json', ...templates, ...others].map((path) => [path, path])),
  );
  const wanted = { files: ['config.json'], optional: ['templates/*.jinja', 'none/*.jinja'] };
  hub.intercept = ({ line }, response) => line.endsWith('rag.jinja') && !!response.writeHead(404).end();
  await t.throwsAsync(download({ client, cache, commit: hub.commit }, wanted), { instanceOf: HubError });
  hub.intercept = () => false;
  await download({ client, cache, commit: hub.commit }, wanted);
  t.deepEqual(readdirSync(join(cache.snapshotDir(hub.commit), 'templates')).sort(), [
    'rag.jinja',
    'tool_use.jinja',
  ]);
  t.deepEqual(
    [...templates, ...others].filter((path) => cache.has(hub.commit, path)),
    templates,
  );
  const numRequests = hub.lines.length;
  await download({ client, cache, commit: hub.commit }, wanted);
  t.is(hub.lines.length, numRequests, 'nothing is asked again');
});

test('an index beside the single file is not fetched', async (t) => {
  const { hub, cache, client, listed } = await setUp(t, { ...SHARDED, [SINGLE]: 'w' });
  for (const weights of [true, 'optional'] as const) {
    await download({ client, cache, commit: hub.commit }, { files: ['config.json'], weights });
    t.deepEqual(listed(), ['config.json', SINGLE]);
  }
});

test('optional weights are fetched if they exist, and marked absent if not', async (t) => {
  const sharded = await setUp(t, SHARDED);
  await download(
    { client: sharded.client, cache: sharded.cache, commit: sharded.hub.commit },
    { files: [], weights: 'optional' },
  );
  t.deepEqual(sharded.listed(), [INDEX, ...SHARDS].sort());
  const { hub, cache, client, listed } = await setUp(t, { 'config.json': '{}' });
  for (const _ of ['first', 'second']) {
    await download({ client, cache, commit: hub.commit }, { files: ['config.json'], weights: 'optional' });
  }
  t.deepEqual(listed(), ['config.json']);
  t.is(hub.lines.filter((line) => line.startsWith('POST')).length, 2);
});

test('a required file that the repository lacks is refused before anything is fetched', async (t) => {
  const { hub, cache, client } = await setUp(t, { 'config.json': '{}' });
  const message = (what: string) =>
    `${LOOPBACK_MODEL}: the repository has ${what} (commit ${hub.commit}); choose a model or revision that does`;
  await t.throwsAsync(
    download({ client, cache, commit: hub.commit }, { files: ['config.json', 'tokenizer.json'] }),
    {
      instanceOf: HubError,
      message: message('no tokenizer.json'),
    },
  );
  t.deepEqual(fetched(hub), []);
  await t.throwsAsync(download({ client, cache, commit: hub.commit }, { files: [SINGLE], weights: true }), {
    instanceOf: HubError,
    message: message(`no ${SINGLE}`),
  });
  await t.throwsAsync(
    download({ client, cache, commit: hub.commit }, { files: ['config.json'], weights: true }),
    {
      instanceOf: HubError,
      message: message(`neither ${SINGLE} nor ${INDEX}`),
    },
  );
});

test('a shard that the repository lacks is refused by name', async (t) => {
  const { hub, cache, client } = await setUp(t, SHARDED);
  delete hub.files[SHARDS[1]];
  await t.throwsAsync(download({ client, cache, commit: hub.commit }, { files: [], weights: true }), {
    instanceOf: HubError,
    message: /has no model-2\.safetensors \(commit/,
  });
});

test('a hub that does not answer is an error only if a required file is missing', async (t) => {
  const { hub, cache, client } = await setUp(t, { 'config.json': '{}', 'a.json': '[]' });
  hub.intercept = (_request, response) => !!response.writeHead(500).end();
  await t.throwsAsync(download({ client, cache, commit: hub.commit }, { files: ['config.json'] }), {
    instanceOf: HubError,
    message: /answered 500/,
  });
  hub.intercept = () => false;
  await download({ client, cache, commit: hub.commit }, { files: ['config.json'] });
  hub.intercept = (_request, response) => !!response.writeHead(500).end();
  await download({ client, cache, commit: hub.commit }, { files: ['config.json'], optional: ['a.json'] });
  t.false(cache.knowsAbsent(hub.commit, 'a.json'), 'no answer is not an answer');
});

test('an error that is not of the hub is thrown, whatever is missing', async (t) => {
  const { hub, cache, client } = await setUp(t, { 'config.json': '{}' });
  const reason = new RangeError('enough');
  client.filesAt = () => Promise.reject(reason);
  const wanted = { files: [], optional: ['a.json'] };
  t.is(await t.throwsAsync(download({ client, cache, commit: hub.commit }, wanted)), reason);
});

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
    t.is(await Promise.race([waiting.catch((error) => error), sleep(20_000, 'it waits')]), reason);
  });
});

test('cached content is linked and not fetched again, unless it is damaged', async (t) => {
  const { hub, cache, client } = await setUp(t, { 'config.json': '{}', [SINGLE]: 'weights' });
  const wanted = { files: ['config.json'], weights: true } as const;
  await download({ client, cache, commit: hub.commit }, wanted);
  hub.commit = '2e'.repeat(20);
  writeFileSync(join(cache.folder, 'blobs', hub.oidOf('config.json')), '[]');
  hub.requests.length = 0;
  await download({ client, cache, commit: hub.commit }, wanted);
  t.deepEqual(fetched(hub), ['config.json']);
  t.true(cache.has(hub.commit, SINGLE));
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

test('a download first removes unfinished files of killed downloads', async (t) => {
  const { hub, cache, client } = await setUp(t, { 'config.json': '{}' });
  const blobs = join(cache.folder, 'blobs');
  const { pid: dead } = spawnSync(process.execPath, ['--version']);
  const left = join(blobs, `${hub.oidOf('config.json')}.${dead}-0123abcd.incomplete`);
  mkdirSync(blobs, { recursive: true });
  writeFileSync(left, '{');
  utimesSync(left, 0, 0);
  await download({ client, cache, commit: hub.commit }, { files: ['config.json'] });
  t.deepEqual(readdirSync(blobs), [hub.oidOf('config.json')]);
});

test('progress is reported in bytes, up to the complete file', async (t) => {
  const { hub, cache, client } = await setUp(t, { [SINGLE]: new Uint8Array(300_000) });
  const calls: [string, number, number][] = [];
  await download(
    { client, cache, commit: hub.commit },
    {
      files: [],
      weights: true,
      onProgress: (...call) => calls.push(call),
    },
  );
  t.true(calls.length > 1);
  t.true(
    calls.every(
      ([file, done, total], i) => file === SINGLE && total === 300_000 && done > (calls[i - 1]?.[1] ?? 0),
    ),
  );
  t.deepEqual(calls.at(-1), [SINGLE, 300_000, 300_000]);
});

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

test('progress includes the bytes of an earlier download', async (t) => {
  const { hub, cache, client } = await setUp(t, { [SINGLE]: 'weights' });
  mkdirSync(join(cache.folder, 'blobs'), { recursive: true });
  writeFileSync(join(cache.folder, 'blobs', `${hub.oidOf(SINGLE)}.incomplete`), 'wei');
  const calls: unknown[] = [];
  await download(
    { client, cache, commit: hub.commit },
    {
      files: [],
      weights: true,
      onProgress: (...call) => calls.push(call),
    },
  );
  t.deepEqual(calls, [[SINGLE, 7, 7]]);
  t.deepEqual(
    hub.requests.filter(({ host }) => host === 'storage').map(({ range }) => range),
    ['bytes=3-'],
  );
});
