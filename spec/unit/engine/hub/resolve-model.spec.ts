import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { HubError, HubOfflineError } from '../../../../engine/errors.ts';
import { HubCache } from '../../../../engine/hub/cache.ts';
import { type ResolveModelOptions, resolveModel } from '../../../../engine/hub/resolve-model.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const COMMIT = 'ab'.repeat(20);
const OTHER = 'cd'.repeat(20);

const noNetwork: typeof fetch = async (url) => {
  throw new TypeError(`fetch failed`, { cause: new Error(`asked for ${url}`) });
};

/** A cache with a snapshot of org/name at `main` that has the given files, and options that use it. */
async function cached(t: ExecutionContext, files: string[], env: Record<string, string> = {}) {
  const cacheDir = temporaryFolder(t);
  const cache = new HubCache(cacheDir, 'org/name');
  mkdirSync(cache.snapshotDir(COMMIT), { recursive: true });
  for (const file of files) writeFileSync(join(cache.snapshotDir(COMMIT), file), '{}');
  await cache.setRef('main', COMMIT);
  const options: ResolveModelOptions = {
    files: ['config.json'],
    fetch: noNetwork,
    env: { HF_HUB_CACHE: cacheDir, ...env },
  };
  return { cache, options };
}

const OFFLINE = { HF_HUB_OFFLINE: '1' };
const OPTIONS: ResolveModelOptions = { files: ['config.json'], fetch: noNetwork, env: {} };

test('a directory is returned as it is, whatever its content', async (t) => {
  const dir = temporaryFolder(t);
  t.is(await resolveModel(dir, OPTIONS), dir);
});

test('a path that does not exist is refused, not taken for a hub id', async (t) => {
  for (const model of ['./models', '../models/x', '/models', '~/models', 'a/b/c', 'a/b/', 'models\\x']) {
    await t.throwsAsync(resolveModel(model, OPTIONS), {
      instanceOf: HubError,
      message: `${model}: there is no such directory; expected a model directory, or a hub id such as Qwen/Qwen3-0.6B`,
    });
  }
});

test('a file in place of a directory is refused', async (t) => {
  const file = join(temporaryFolder(t), 'model.safetensors');
  writeFileSync(file, '');
  await t.throwsAsync(resolveModel(file, OPTIONS), {
    instanceOf: HubError,
    message: `${file}: is not a directory; expected the one that holds the model's files`,
  });
});

test('a name that is invalid as a path is refused', async (t) => {
  for (const model of ['a\0b', 'x'.repeat(5000)]) {
    await t.throwsAsync(resolveModel(model, OPTIONS), {
      instanceOf: HubError,
      message: /cannot read \S+ \(E\w+\);/,
    });
  }
});

test('an invalid hub id is refused without a request', async (t) => {
  const ids = [
    '',
    'Qwen3',
    'org/',
    'org/na me',
    'org/na--me',
    'org/a..b',
    'org/-x',
    'org/x.',
    'org/x.git',
    'org/x?y',
    'C:/x',
  ];
  for (const model of ids) {
    await t.throwsAsync(resolveModel(model, OPTIONS), {
      instanceOf: HubError,
      message: `"${model}": is neither a directory nor a hub id; a hub id is org/name, such as Qwen/Qwen3-0.6B`,
    });
  }
});

test('each part of a hub id has up to 96 characters', async (t) => {
  const model = `${'x'.repeat(96)}/${'y'.repeat(96)}`;
  const env = { ...OFFLINE, HF_HUB_CACHE: temporaryFolder(t) };
  await t.throwsAsync(resolveModel(model, { ...OPTIONS, env }), { instanceOf: HubOfflineError });
  for (const longer of [`x${model}`, `${model}y`]) {
    await t.throwsAsync(resolveModel(longer, OPTIONS), { message: /is neither a directory nor a hub id/ });
  }
});

test('a revision that would be a path outside the cache is refused', async (t) => {
  for (const revision of ['../main', 'a/../../b', '/etc', '', 'a b', '-x']) {
    await t.throwsAsync(resolveModel('org/name', { ...OPTIONS, revision }), {
      instanceOf: HubError,
      message: `revision "${revision}" is not a branch, tag or commit; the usual one is main`,
    });
  }
});

test('a complete snapshot is used without a request, by branch or commit', async (t) => {
  const { cache, options } = await cached(t, ['config.json', 'model.safetensors']);
  for (const revision of [undefined, 'main', COMMIT]) {
    t.is(await resolveModel('org/name', { ...options, revision, weights: true }), cache.snapshotDir(COMMIT));
  }
});

test('offline by either variable, a snapshot without its optional files is used', async (t) => {
  for (const env of [OFFLINE, { TRANSFORMERS_OFFLINE: 'true' }]) {
    const { cache, options } = await cached(t, ['config.json'], env);
    const fetch: typeof globalThis.fetch = async (url) => t.fail(`asked for ${url}`) as never;
    const dir = await resolveModel('org/name', {
      ...options,
      fetch,
      optional: ['a.json'],
      weights: 'optional',
    });
    t.is(dir, cache.snapshotDir(COMMIT));
  }
});

test('online, the hub is asked for optional files that a snapshot lacks; without a connection it is used', async (t) => {
  const { cache, options } = await cached(t, ['config.json']);
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = (url, init) => {
    asked.push(String(url));
    return noNetwork(url, init);
  };
  const find = { ...options, fetch, optional: ['a.json'] };
  t.is(await resolveModel('org/name', find), cache.snapshotDir(COMMIT));
  t.regex(asked.join(), new RegExp(`/paths-info/${COMMIT}`));
});

test('offline, the error for a missing file names the cache and the variable', async (t) => {
  const { cache, options } = await cached(t, ['config.json'], OFFLINE);
  await t.throwsAsync(
    resolveModel('org/name', { ...options, files: ['config.json', 'a.json'], weights: true }),
    {
      instanceOf: HubOfflineError,
      message:
        `org/name: the cache ${cache.folder} lacks a.json, model.safetensors at revision main, and HF_HUB_OFFLINE=1 ` +
        'forbids fetching it; unset that once, or set HF_HUB_CACHE to the cache that has it',
    },
  );
});

test('offline, the error for an uncached model or revision names it', async (t) => {
  const { options } = await cached(t, ['config.json'], OFFLINE);
  await t.throwsAsync(resolveModel('org/other', options), {
    instanceOf: HubError,
    message:
      /^org\/other: the cache .*models--org--other lacks config\.json at revision main, and HF_HUB_OFFLINE=1/,
  });
  for (const revision of ['v1', OTHER]) {
    await t.throwsAsync(resolveModel('org/name', { ...options, revision }), {
      instanceOf: HubError,
      message: new RegExp(` at revision ${revision}, `),
    });
  }
  await t.throwsAsync(resolveModel('org/other', { ...options, files: [] }), {
    instanceOf: HubError,
    message: / lacks the model at revision main/,
  });
});

test('online, missing files are requested from the hub', async (t) => {
  const { options } = await cached(t, []);
  await t.throwsAsync(resolveModel('org/name', options), {
    instanceOf: HubError,
    message:
      /^https:\/\/huggingface\.co\/api\/models\/org\/name\/revision\/main\S*: cannot be fetched \(asked for /,
  });
});

test('a commit is not looked up', async (t) => {
  const { options } = await cached(t, []);
  await t.throwsAsync(resolveModel('org/name', { ...options, revision: OTHER }), {
    instanceOf: HubError,
    message: new RegExp(`/paths-info/${OTHER}: cannot be fetched`),
  });
});

test('the environment defaults to that of the process', async (t) => {
  // AVA's configuration sets HF_HUB_OFFLINE.
  await t.throwsAsync(
    resolveModel('plumbline-spec/never-published', { files: ['config.json'], fetch: noNetwork }),
    {
      instanceOf: HubError,
      message: /HF_HUB_OFFLINE=1 forbids/,
    },
  );
});
