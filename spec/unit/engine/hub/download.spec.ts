import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { HubError } from '../../../../engine/errors.ts';
import { download } from '../../../../engine/hub/download.ts';
import { LOOPBACK_MODEL } from '../../../support/hub/loopback-hub.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { fetched, SINGLE, setUp } from './support.ts';

trackResources(test);

const INDEX = 'model.safetensors.index.json';
const SHARDS = ['model-1.safetensors', 'model-2.safetensors'];
const SHARDED = {
  'config.json': '{}',
  [INDEX]: JSON.stringify({ weight_map: { a: SHARDS[0], b: SHARDS[1], c: SHARDS[1] } }),
  [SHARDS[0]]: 'one',
  [SHARDS[1]]: 'two',
};

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
