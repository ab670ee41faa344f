import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scanCacheDir } from '@huggingface/hub';
import test, { type ExecutionContext } from 'ava';
import { HubError } from '../../engine/errors.ts';
import { type ResolveModelOptions, resolveModel } from '../../engine/hub/resolve-model.ts';
import {
  filesOf,
  LOOPBACK_MODEL,
  LoopbackHub,
  type LoopbackRequest,
  UNREACHABLE_HUB,
} from '../support/hub/loopback-hub.ts';
import { closing, temporaryFolder, trackResources } from '../support/processes/cleanup.ts';

trackResources(test);

const CONFIG = '{"model_type": "qwen3"}\n';
const WEIGHTS = new Uint8Array(200_000).map((_, i) => i % 251);
const FILES = { 'config.json': CONFIG, 'tokenizer.json': '{}', 'model.safetensors': WEIGHTS };
const TOKEN = 'hf_secret';

async function setUp(t: ExecutionContext, files: Record<string, string | Uint8Array> = FILES) {
  const hub = closing(t, await LoopbackHub.start(files));
  const cacheDir = temporaryFolder(t);
  // HF_HOME keeps a token of this machine's user out of the test.
  const env: Record<string, string> = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: cacheDir, HF_HOME: cacheDir };
  const pauses: number[] = [];
  const options: ResolveModelOptions = {
    files: ['config.json'],
    optional: ['tokenizer.json', 'generation_config.json'],
    weights: true,
    env,
    delay: async (ms) => pauses.push(ms),
  };
  const folder = join(cacheDir, `models--${LOOPBACK_MODEL.replace('/', '--')}`);
  return { hub, folder, env, options, pauses };
}

const isContent = (request: LoopbackRequest) => request.host === 'storage';

/** Asserts that resolveModel throws and keeps nothing but the given part of the weights. */
async function refused(
  t: ExecutionContext,
  { hub, folder, options }: Awaited<ReturnType<typeof setUp>>,
  message: RegExp,
  part?: Uint8Array,
) {
  const error = await t.throwsAsync(resolveModel(LOOPBACK_MODEL, options), { instanceOf: HubError, message });
  const left = Object.entries(existsSync(folder) ? filesOf(folder) : {});
  const path = `blobs/${part && hub.oidOf('model.safetensors')}.incomplete`;
  t.deepEqual(
    left.filter(([path]) => /incomplete|model\.safetensors|refs/.test(path)),
    part ? [[path, Buffer.from(part).toString('latin1')]] : [],
  );
  return error;
}

test('a first download leaves the cache exactly as huggingface_hub does', async (t) => {
  const { hub, folder, options } = await setUp(t);
  const dir = await resolveModel(LOOPBACK_MODEL, options);
  t.is(dir, join(folder, 'snapshots', hub.commit));
  const [config, tokenizer, weights] = Object.keys(FILES).map((file) => hub.oidOf(file));
  t.deepEqual(filesOf(folder), {
    [`.no_exist/${hub.commit}/generation_config.json`]: '',
    [`blobs/${config}`]: CONFIG,
    [`blobs/${tokenizer}`]: '{}',
    [`blobs/${weights}`]: Buffer.from(WEIGHTS).toString('latin1'),
    'refs/main': hub.commit,
    [`snapshots/${hub.commit}/config.json`]: `-> ../../blobs/${config}`,
    [`snapshots/${hub.commit}/model.safetensors`]: `-> ../../blobs/${weights}`,
    [`snapshots/${hub.commit}/tokenizer.json`]: `-> ../../blobs/${tokenizer}`,
  });
});

test('the cache scanner of @huggingface/hub finds the download without warnings', async (t) => {
  const { hub, env, options } = await setUp(t);
  await resolveModel(LOOPBACK_MODEL, options);
  const { repos, warnings } = await scanCacheDir(env.HF_HUB_CACHE);
  t.deepEqual(warnings, []);
  const found = repos.map(({ id, revisions }) => ({
    name: id.name,
    revisions: revisions.map(({ commitOid, refs, files }) => ({ commitOid, refs, numFiles: files.length })),
  }));
  const revision = { commitOid: hub.commit, refs: ['main'], numFiles: 3 };
  t.deepEqual(found, [{ name: LOOPBACK_MODEL, revisions: [revision] }]);
});

test('a second call sends no request, online or offline', async (t) => {
  const { hub, env, options } = await setUp(t);
  const dir = await resolveModel(LOOPBACK_MODEL, options);
  hub.requests.length = 0;
  t.is(await resolveModel(LOOPBACK_MODEL, options), dir);
  t.is(await resolveModel(LOOPBACK_MODEL, { ...options, env: { ...env, HF_HUB_OFFLINE: '1' } }), dir);
  t.deepEqual(hub.lines, []);
  await hub.close();
  t.is(await resolveModel(LOOPBACK_MODEL, { ...options, optional: ['never-asked-for.json'] }), dir);
});

test('a branch that has moved is followed only if a file is missing, and then for all files', async (t) => {
  const { hub, folder, options } = await setUp(t);
  const before = await resolveModel(LOOPBACK_MODEL, { ...options, weights: false });
  hub.commit = '2e'.repeat(20);
  hub.files['config.json'] = '{"model_type": "qwen3_moe"}';
  t.is(await resolveModel(LOOPBACK_MODEL, { ...options, weights: false }), before);
  const after = await resolveModel(LOOPBACK_MODEL, options);
  t.is(after, join(folder, 'snapshots', hub.commit));
  t.is(readFileSync(join(after, 'config.json'), 'utf8'), '{"model_type": "qwen3_moe"}');
  t.is(readFileSync(join(before, 'config.json'), 'utf8'), CONFIG);
});

test('sharded weights are fetched with all their shards', async (t) => {
  const index = JSON.stringify({ weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } });
  const shards = { 'model-1.safetensors': 'one', 'model-2.safetensors': 'two' };
  const { hub, options } = await setUp(t, {
    'config.json': CONFIG,
    'model.safetensors.index.json': index,
    ...shards,
  });
  const dir = await resolveModel(LOOPBACK_MODEL, options);
  t.is(readFileSync(join(dir, 'model-2.safetensors'), 'utf8'), 'two');
  hub.requests.length = 0;
  t.is(await resolveModel(LOOPBACK_MODEL, options), dir);
  t.deepEqual(hub.lines, []);
});

test('the token of hf auth login is sent to the hub, and not to the host of a redirect', async (t) => {
  const { hub, env, options } = await setUp(t);
  writeFileSync(join(env.HF_HOME, 'token'), `${TOKEN}\n`);
  await resolveModel(LOOPBACK_MODEL, options);
  const authorizations = (host: LoopbackRequest['host']) => [
    ...new Set(
      hub.requests.filter((request) => request.host === host).map((request) => request.authorization),
    ),
  ];
  t.deepEqual(authorizations('hub'), [`Bearer ${TOKEN}`]);
  t.deepEqual(authorizations('storage'), [undefined]);
});

test('corrupted content is refused, of files with and without LFS', async (t) => {
  const context = await setUp(t);
  const { hub } = context;
  const flipped = Uint8Array.from(WEIGHTS);
  flipped[100_000] ^= 1;
  const weights = hub.oidOf('model.safetensors');
  hub.intercept = ({ line }, response) => line.endsWith(weights) && !!response.end(flipped);
  await refused(t, context, /resolve\/\w+\/model\.safetensors: has SHA-256 \w+, but the hub announces/);
  hub.files['config.json'] = CONFIG.toUpperCase();
  hub.commit = '2e'.repeat(20);
  hub.intercept = ({ line }, response) => line.endsWith('/config.json') && !!response.end(CONFIG);
  await refused(t, context, /config\.json: has git SHA-1 \w+, but the hub announces/);
});

test('a truncated body is refused, whether it ends cleanly or the connection breaks', async (t) => {
  const context = await setUp(t, { 'config.json': CONFIG, 'model.safetensors': WEIGHTS });
  const { hub, options, pauses } = context;
  const part = WEIGHTS.subarray(0, 1000);
  hub.intercept = (request, response) => isContent(request) && !!response.end(part);
  await refused(t, context, /model\.safetensors: ended after 1000 of 200000 bytes/, part);
  hub.intercept = () => {
    // Each answer with large content stalls, and its connection breaks when the first part has arrived.
    hub.stallAfter = 1000;
    return false;
  };
  hub.sendsRanges = false;
  options.onProgress = (_file, done) => {
    if (done === 1000) hub.breakStalled();
  };
  await refused(t, context, /model\.safetensors, after 1000 of 200000 bytes: cannot be fetched \(/, part);
  t.deepEqual(pauses, [1000, 2000, 4000, 1000, 2000, 4000]);
  hub.intercept = () => false;
  hub.stallAfter = undefined;
  hub.sendsRanges = true;
  const dir = await resolveModel(LOOPBACK_MODEL, options);
  t.deepEqual(
    new Uint8Array(readFileSync(join(dir, 'model.safetensors'))),
    WEIGHTS,
    'the next call succeeds',
  );
  t.is(hub.requests.at(-1)?.range, 'bytes=1000-');
});

test('an error for a missing required file names the file', async (t) => {
  await refused(
    t,
    await setUp(t, { 'model.safetensors': WEIGHTS }),
    /the repository has no config\.json \(commit /,
  );
});

test('an error for an unknown, private or gated model says what to do', async (t) => {
  const context = await setUp(t);
  const { hub, env, options } = context;
  await t.throwsAsync(resolveModel('org/unknown', options), {
    instanceOf: HubError,
    message: /answered 404; there is neither a directory org\/unknown nor such a model/,
  });
  hub.intercept = (request, response) =>
    request.authorization !== `Bearer ${TOKEN}` && !!response.writeHead(401).end();
  await refused(t, context, /answered 401; .* or is private or gated; .* set HF_TOKEN/);
  hub.intercept = (_request, response) => !!response.writeHead(403).end();
  env.HF_TOKEN = TOKEN;
  const error = await refused(t, context, /answered 403; the token .* may not read/);
  t.notRegex(error.message, new RegExp(TOKEN));
});

test('a slow hub that keeps sending is waited for', async (t) => {
  const { hub, options } = await setUp(t);
  hub.intercept = (request, response) => {
    if (!isContent(request) || !request.line.endsWith(hub.oidOf('model.safetensors'))) return false;
    const send = (begin: number) => {
      response.write(WEIGHTS.subarray(begin, begin + 20_000));
      if (begin + 20_000 < WEIGHTS.length) setTimeout(send, 60, begin + 20_000);
      else response.end();
    };
    send(0);
    return true;
  };
  // Each pause is shorter than the time limit; all pauses together are longer.
  const dir = await resolveModel(LOOPBACK_MODEL, { ...options, idleTimeoutMs: 400 });
  t.deepEqual(new Uint8Array(readFileSync(join(dir, 'model.safetensors'))), WEIGHTS);
});

test('a request that fails once with 500 or 429 is repeated', async (t) => {
  const { hub, options, pauses } = await setUp(t);
  const seen = new Set<string>();
  hub.intercept = ({ line }, response) => {
    if (seen.has(line)) return false;
    seen.add(line);
    return !!response.writeHead(seen.size % 2 ? 500 : 429, { 'Retry-After': '2' }).end();
  };
  const dir = await resolveModel(LOOPBACK_MODEL, options);
  t.is(readFileSync(join(dir, 'config.json'), 'utf8'), CONFIG);
  t.deepEqual([...new Set(pauses)], [2000]);
});

test('a hub that keeps answering 503 is an error after four requests', async (t) => {
  const context = await setUp(t);
  context.hub.intercept = (_request, response) => !!response.writeHead(503).end();
  await refused(t, context, /answered 503; the hub is busy or out of order \(asked 4 times\)/);
  t.is(context.hub.requests.length, 4);
});

test('the error for a hub that cannot be reached names the cause', async (t) => {
  const context = await setUp(t);
  context.env.HF_ENDPOINT = UNREACHABLE_HUB;
  await refused(
    t,
    context,
    /^http:\/\/127\.0\.0\.1:2\/api\/models\S+: cannot be fetched \(.*ECONNREFUSED.*\); check the network/,
  );
  context.env.HF_ENDPOINT = 'http://no-such-hub.invalid';
  await refused(t, context, /: cannot be fetched \(.*(ENOTFOUND|EAI_AGAIN).*\); check the network/);
});
