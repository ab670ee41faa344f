import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { HubError } from '../../engine/errors.ts';
import { type ResolveModelOptions, resolveModel } from '../../engine/hub/resolve-model.ts';
import { LOOPBACK_MODEL, LoopbackHub } from '../support/hub/loopback-hub.ts';
import { closing, temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { ended } from '../support/processes/processes.ts';

trackResources(test);

const FILE = 'model.safetensors';
const WEIGHTS = new Uint8Array(200_000).map((_, i) => i % 251);
const FILES = { 'config.json': '{"model_type": "qwen3"}\n', [FILE]: WEIGHTS };

async function setUp(t: ExecutionContext) {
  const hub = closing(t, await LoopbackHub.start(FILES));
  const cacheDir = temporaryFolder(t);
  // HF_HOME keeps a token of this machine's user out of the test.
  const env: Record<string, string> = { HF_ENDPOINT: hub.url, HF_HUB_CACHE: cacheDir, HF_HOME: cacheDir };
  const options: ResolveModelOptions = {
    files: ['config.json'],
    weights: true,
    env,
    delay: async () => {},
  };
  const model = `models--${LOOPBACK_MODEL.replace('/', '--')}`;
  const blobs = join(cacheDir, model, 'blobs');
  const partial = join(blobs, `${hub.oidOf(FILE)}.incomplete`);
  /** Writes a part of the weights, as an earlier download leaves it. */
  const leave = (bytes: Uint8Array) => {
    mkdirSync(blobs, { recursive: true });
    writeFileSync(partial, bytes);
  };
  const lock = join(cacheDir, '.locks', model, `${hub.oidOf(FILE)}.lock`);
  /** Requested ranges of the weights. */
  const ranges = () => hub.requests.filter(({ host }) => host === 'storage').map(({ range }) => range);
  /** Asserts that the cache has the two complete files and nothing else. */
  const isComplete = (dir: string) => {
    t.deepEqual(new Uint8Array(readFileSync(join(dir, FILE))), WEIGHTS);
    t.deepEqual(readdirSync(blobs).sort(), ['config.json', FILE].map((file) => hub.oidOf(file)).sort());
    t.deepEqual(readdirSync(dir).sort(), ['config.json', FILE]);
  };
  return { hub, env, options, partial, leave, lock, ranges, isComplete };
}

test('a download resumes where its connection broke', async (t) => {
  const { hub, options, ranges, isComplete } = await setUp(t);
  hub.stallAfter = 120_000;
  const progress: number[] = [];
  const onProgress = (_file: string, done: number) => {
    progress.push(done);
    if (done === 120_000) hub.breakStalled();
  };
  isComplete(await resolveModel(LOOPBACK_MODEL, { ...options, onProgress }));
  t.deepEqual(ranges(), [undefined, 'bytes=120000-']);
  t.deepEqual(
    progress,
    progress.toSorted((a, b) => a - b),
    'no byte is fetched twice',
  );
});

test('the next download resumes a failed one', async (t) => {
  const { hub, options, partial, ranges, isComplete } = await setUp(t);
  hub.stallAfter = 120_000;
  const onProgress = (_file: string, done: number) => {
    // Closed, so that the next attempts are refused or reset.
    if (done === 120_000) hub.close();
  };
  const cut = resolveModel(LOOPBACK_MODEL, { ...options, onProgress });
  await t.throwsAsync(cut, { instanceOf: HubError, message: /cannot be fetched \(/ });
  t.is(statSync(partial).size, 120_000);
  const again = closing(t, await LoopbackHub.start(FILES));
  isComplete(
    await resolveModel(LOOPBACK_MODEL, { ...options, env: { ...options.env, HF_ENDPOINT: again.url } }),
  );
  t.deepEqual(ranges(), [undefined]);
  t.is(again.requests.at(-1)?.range, 'bytes=120000-');
});

test('the part of an earlier download is used if it is right, and discarded if not', async (t) => {
  const flipped = WEIGHTS.slice(0, 120_000);
  flipped[1000] ^= 1;
  for (const [left, expected] of [
    [WEIGHTS.slice(0, 120_000), ['bytes=120000-']],
    [flipped, ['bytes=120000-', undefined]],
    // Complete: its process was killed before renaming it.
    [WEIGHTS, []],
    [WEIGHTS.toReversed(), [undefined]],
    [new Uint8Array(WEIGHTS.length + 1), [undefined]],
    [new Uint8Array(0), [undefined]],
  ] as const) {
    const { options, leave, ranges, isComplete } = await setUp(t);
    leave(left);
    isComplete(await resolveModel(LOOPBACK_MODEL, options));
    t.deepEqual(ranges(), [...expected]);
  }
});

test('a part is completed from a hub without ranges, and not used for other content', async (t) => {
  const noParts = await setUp(t);
  noParts.leave(WEIGHTS.slice(0, 120_000));
  noParts.hub.sendsRanges = false;
  noParts.isComplete(await resolveModel(LOOPBACK_MODEL, noParts.options));
  const { hub, options, partial, leave } = await setUp(t);
  leave(WEIGHTS.slice(0, 120_000));
  hub.files[FILE] = 'other weights';
  const dir = await resolveModel(LOOPBACK_MODEL, options);
  t.is(readFileSync(join(dir, FILE), 'utf8'), 'other weights');
  t.true(existsSync(partial), 'another revision may use the part');
});

test('content that changes while the connection is down is fetched from the beginning', async (t) => {
  const { hub, options, ranges, isComplete } = await setUp(t);
  hub.sendsEtags = true;
  hub.stallAfter = 120_000;
  const onProgress = (_file: string, done: number) => {
    if (done !== 120_000) return;
    hub.breakStalled();
    hub.sendsEtags = false;
  };
  isComplete(await resolveModel(LOOPBACK_MODEL, { ...options, onProgress }));
  // The ETag differs, so the hub sends the whole file.
  t.deepEqual(ranges(), [undefined, 'bytes=120000-']);
  t.regex(String(hub.requests.at(-1)?.ifRange), /^"\w+"$/);
});

const SCRIPT = `
  import { resolveModel } from ${JSON.stringify(new URL('../../engine/hub/resolve-model.ts', import.meta.url).href)};
  const onWait = (file) => console.log('waits for', file);
  console.log(await resolveModel('${LOOPBACK_MODEL}', { files: ['config.json'], weights: true, onWait }));`;

/** Starts a process that resolves the model. */
function start(t: ExecutionContext, env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

test('of two concurrent processes one fetches the file, the other reports that it waits, and both succeed', async (t) => {
  const { hub, env, ranges, isComplete } = await setUp(t);
  // The rest of the weights is sent when the other process waits for them.
  const { promise: isWaiting, resolve: onWait } = Promise.withResolvers<void>();
  hub.intercept = ({ host }, response) => {
    if (host !== 'storage') return false;
    response.write(WEIGHTS.subarray(0, 1000));
    isWaiting.then(() => response.end(WEIGHTS.subarray(1000)));
    return true;
  };
  const both = [start(t, env), start(t, env)];
  for (const child of both) child.stdout?.on('data', (text) => /waits for model/.test(`${text}`) && onWait());
  const ends = await Promise.all(both.map((child) => ended(child)));
  t.deepEqual(
    ends.map(({ exitCode, err }) => [exitCode, err]),
    [
      [0, ''],
      [0, ''],
    ],
  );
  const lines = ends.flatMap(({ out }) => out.trim().split('\n'));
  t.deepEqual(lines.filter((line) => line === `waits for ${FILE}`).length, 1);
  const dirs = [...new Set(lines.filter((line) => !line.startsWith('waits')))];
  t.is(dirs.length, 1);
  isComplete(dirs[0]);
  t.deepEqual(ranges(), [undefined], 'the weights are fetched once');
});

test('a waiting process resumes the file of one that is killed', async (t) => {
  const { hub, env, partial, ranges, isComplete } = await setUp(t);
  hub.intercept = ({ host, range }, response) => {
    if (host !== 'storage' || range !== undefined) return false;
    response.writeHead(200, { 'Content-Length': WEIGHTS.length });
    return response.write(WEIGHTS.subarray(0, 120_000)) || true;
  };
  const first = start(t, env);
  const size = () => (existsSync(partial) ? statSync(partial).size : 0);
  while (size() < 120_000 && first.exitCode === null) await sleep(10);
  const second = start(t, env);
  const end = ended(second);
  await once(second.stdout!, 'data');
  first.kill('SIGKILL');
  const { exitCode, out } = await end;
  t.is(exitCode, 0);
  t.regex(out, /^waits for model\.safetensors\n\S+\n$/);
  isComplete(out.trim().split('\n')[1]);
  t.deepEqual(ranges(), [undefined, 'bytes=120000-']);
});

test('a download waits for another program that has locked the file', async (t) => {
  const { options, partial, leave, lock, ranges, isComplete } = await setUp(t);
  leave(WEIGHTS);
  mkdirSync(join(lock, '..'), { recursive: true });
  // As huggingface_hub does: rename the complete file while holding the lock.
  const blob = partial.replace('.incomplete', '');
  const other = spawn('flock', [lock, 'sh', '-c', 'read line; mv "$1" "$2"', 'sh', partial, blob], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  t.teardown(() => other.kill('SIGKILL'));
  const isLocked = async () => {
    const probe = spawn('flock', ['-n', lock, 'true'], { stdio: 'ignore' });
    return (await once(probe, 'close'))[0] !== 0;
  };
  while (!(await isLocked())) await sleep(10);
  const waited: string[] = [];
  const onWait = (file: string) => {
    waited.push(file);
    other.stdin.end('go on\n');
  };
  isComplete(await resolveModel(LOOPBACK_MODEL, { ...options, onWait }));
  t.deepEqual(waited, [FILE]);
  t.deepEqual(ranges(), []);
});
