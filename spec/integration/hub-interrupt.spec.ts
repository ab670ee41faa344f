import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { HubError } from '../../engine/errors.ts';
import { type ResolveModelOptions, resolveModel } from '../../engine/hub/resolve-model.ts';
import { LOOPBACK_MODEL, LoopbackHub } from '../support/hub/loopback-hub.ts';
import { closing, temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { CLI_PATH, ended, startNode } from '../support/processes/processes.ts';

trackResources(test);

const WEIGHTS = new Uint8Array(200_000).map((_, i) => i % 251);
const FILES = { 'config.json': '{}', 'model.safetensors': WEIGHTS };

/** A hub that sends half of the weights and then stalls. */
async function setUp(t: ExecutionContext) {
  const hub = closing(t, await LoopbackHub.start(FILES));
  hub.intercept = ({ host }, response) => {
    if (host !== 'storage') return false;
    response.writeHead(200, { 'Content-Length': WEIGHTS.length });
    return response.write(WEIGHTS.subarray(0, 100_000)) || true;
  };
  const cacheDir = temporaryFolder(t);
  const env = {
    HF_ENDPOINT: hub.url,
    HF_HUB_CACHE: cacheDir,
    HF_HOME: cacheDir,
    HF_HUB_OFFLINE: '',
    TRANSFORMERS_OFFLINE: '',
  };
  const blobs = join(cacheDir, `models--${LOOPBACK_MODEL.replace('/', '--')}`, 'blobs');
  const unfinished = () =>
    (existsSync(blobs) ? readdirSync(blobs) : []).filter((name) =>
      name.startsWith(`${hub.oidOf('model.safetensors')}.`),
    );
  const options: ResolveModelOptions = { files: ['config.json'], weights: true, env };
  return { hub, env, blobs, unfinished, options };
}

/** Waits until some of the weights have arrived. @returns whether they have. */
async function arriving({ blobs, unfinished }: Awaited<ReturnType<typeof setUp>>): Promise<boolean> {
  const hasBytes = () => unfinished().some((name) => statSync(join(blobs, name)).size > 0);
  const deadline = Date.now() + 60_000;
  while (!hasBytes() && Date.now() < deadline) await sleep(10);
  return hasBytes();
}

for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} during a download exits with ${exitCode} and no output, and the next download resumes`, async (t) => {
    const context = await setUp(t);
    const { hub, env, blobs, unfinished, options } = context;
    const child = startNode(CLI_PATH, ['info', '--model', LOOPBACK_MODEL], { env });
    t.teardown(() => child.kill('SIGKILL'));
    const end = ended(child);
    t.true(await arriving(context));
    child.kill(signal);
    t.deepEqual(await end, { exitCode, out: '', err: '' });
    t.deepEqual(unfinished(), [`${hub.oidOf('model.safetensors')}.incomplete`]);
    const { size } = statSync(join(blobs, unfinished()[0]));
    hub.intercept = () => false;
    const dir = await resolveModel(LOOPBACK_MODEL, options);
    t.deepEqual(new Uint8Array(readFileSync(join(dir, 'model.safetensors'))), WEIGHTS);
    t.is(hub.requests.at(-1)?.range, `bytes=${size}-`);
    t.deepEqual(
      readdirSync(blobs).sort(),
      Object.keys(FILES)
        .map((file) => hub.oidOf(file))
        .sort(),
    );
  });
}

test('an aborted download throws the reason; the next one succeeds', async (t) => {
  const context = await setUp(t);
  const { hub, unfinished, options } = context;
  const controller = new AbortController();
  const reason = new RangeError('enough');
  const download = t.throwsAsync(resolveModel(LOOPBACK_MODEL, { ...options, signal: controller.signal }));
  t.true(await arriving(context));
  controller.abort(reason);
  t.is(await download, reason);
  hub.intercept = () => false;
  const dir = await resolveModel(LOOPBACK_MODEL, options);
  t.deepEqual(readdirSync(dir).sort(), ['config.json', 'model.safetensors']);
  t.deepEqual(unfinished(), []);
});

test('a signal aborts a pause for a busy hub, also if only optional files are missing', async (t) => {
  const { hub, options } = await setUp(t);
  const wanted = { ...options, weights: false };
  await resolveModel(LOOPBACK_MODEL, wanted);
  hub.intercept = (_request, response) => !!response.writeHead(503, { 'Retry-After': '50' }).end();
  const before = hub.requests.length;
  const controller = new AbortController();
  const download = resolveModel(LOOPBACK_MODEL, {
    ...wanted,
    optional: ['a.json'],
    signal: controller.signal,
  });
  const outcome = t.throwsAsync(download, { instanceOf: DOMException, name: 'AbortError' });
  while (hub.requests.length === before) await sleep(5);
  // Let the answer arrive and the pause begin; if the abort comes before that, the outcome is the same.
  await sleep(100);
  controller.abort();
  await outcome;
  t.is(hub.requests.length, before + 1);
});

test('a download from a hub that stalls fails after four attempts', async (t) => {
  const { hub, options } = await setUp(t);
  const impatient = { ...options, idleTimeoutMs: 100, delay: async () => {} };
  await t.throwsAsync(resolveModel(LOOPBACK_MODEL, impatient), {
    instanceOf: HubError,
    message: /^http\S+\/model\.safetensors: waited 0\.1 s for 127\.0\.0\.1:\d+ to go on after 100000 bytes /,
  });
  t.is(hub.requests.filter(({ host }) => host === 'storage').length, 4);
});
