import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HubError } from '../../../../engine/errors.ts';
import { HubCache } from '../../../../engine/hub/cache.ts';
import { missingFiles, shardNames } from '../../../../engine/hub/missing-files.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const COMMIT = 'ab'.repeat(20);
const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const index = (...shards: string[]) =>
  JSON.stringify({ weight_map: Object.fromEntries(shards.map((shard, i) => [`w${i}`, shard])) });

/**
 * A cache whose snapshot has files of the given content; null marks a file that the commit is known not to
 * have.
 */
async function cacheWith(t: ExecutionContext, files: Record<string, string | null>): Promise<HubCache> {
  const cache = new HubCache(temporaryFolder(t), 'org/name');
  for (const [file, content] of Object.entries(files)) {
    if (content === null) await cache.markAbsent(COMMIT, file);
    else {
      const path = join(cache.snapshotDir(COMMIT), file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
  }
  return cache;
}

test('a wanted file is missing unless it is cached or, if optional, known to be absent', async (t) => {
  const cache = await cacheWith(t, { 'config.json': '{}', 'a.json': null });
  t.deepEqual(
    missingFiles(cache, COMMIT, { files: ['config.json'], optional: ['a.json', 'b.json', 'config.json'] }),
    {
      required: [],
      unknown: ['b.json'],
    },
  );
  t.deepEqual(missingFiles(cache, COMMIT, { files: ['a.json'] }), { required: ['a.json'], unknown: [] });
});

test('without a cached snapshot all wanted files are missing', async (t) => {
  const cache = await cacheWith(t, {});
  t.deepEqual(
    missingFiles(cache, undefined, { files: ['config.json'], optional: ['a.json'], weights: true }),
    {
      required: ['config.json', SINGLE],
      unknown: ['a.json'],
    },
  );
});

test('missing weights are first the single file, then the index, then its shards', async (t) => {
  const [one, two] = ['model-1.safetensors', 'model-2.safetensors'];
  const steps: [Record<string, string | null>, string[]][] = [
    [{}, [SINGLE]],
    [{ [SINGLE]: null }, [INDEX]],
    [{ [SINGLE]: null, [INDEX]: index(two, one, two) }, [one, two]],
    [{ [INDEX]: index(one, two), [two]: '' }, [one]],
    [{ [INDEX]: index(one, two), [one]: '', [two]: '' }, []],
    [{ [SINGLE]: '' }, []],
    // A reader takes the single file, so its shards do not matter.
    [{ [SINGLE]: '', [INDEX]: index(one) }, []],
  ];
  for (const [files, expected] of steps) {
    const cache = await cacheWith(t, files);
    t.deepEqual(missingFiles(cache, COMMIT, { files: [], weights: true }), {
      required: expected,
      unknown: [],
    });
  }
});

test('weights are not missing unless wanted', async (t) => {
  const cache = await cacheWith(t, { [INDEX]: 'damaged' });
  t.deepEqual(missingFiles(cache, COMMIT, { files: [] }), { required: [], unknown: [] });
});

test('optional weights are unknown until both forms are known to be absent; shards of an index are required', async (t) => {
  const steps: [Record<string, string | null>, { required: string[]; unknown: string[] }][] = [
    [{}, { required: [], unknown: [SINGLE] }],
    [{ [SINGLE]: null }, { required: [], unknown: [INDEX] }],
    [
      { [SINGLE]: null, [INDEX]: null },
      { required: [], unknown: [] },
    ],
    [{ [INDEX]: index('a.safetensors') }, { required: ['a.safetensors'], unknown: [] }],
  ];
  for (const [files, expected] of steps) {
    const cache = await cacheWith(t, files);
    t.deepEqual(missingFiles(cache, COMMIT, { files: [], weights: 'optional' }), expected);
  }
});

test('an index with a shard outside the directory is refused', (t) => {
  const path = join(temporaryFolder(t), INDEX);
  for (const shard of [
    '../x.safetensors',
    '/etc/x.safetensors',
    'a/b.safetensors',
    'a\\b.safetensors',
    'x.bin',
  ]) {
    writeFileSync(path, index('a.safetensors', shard));
    t.throws(() => shardNames(path), {
      instanceOf: HubError,
      message: `${path}: ${JSON.stringify(shard)} is not a shard's file name; delete it to have it fetched again`,
    });
  }
});

test('an index that is not JSON, or lists no weights, is refused with its path', (t) => {
  const path = join(temporaryFolder(t), INDEX);
  for (const text of ['{"weight_map": {', '[]', '{}', '{"weight_map": ["a.safetensors"]}']) {
    writeFileSync(path, text);
    const error = t.throws(() => shardNames(path), { instanceOf: HubError });
    t.true(error.message.includes(path), error.message);
    t.regex(error.message, /delete it to have it fetched again/);
  }
});
