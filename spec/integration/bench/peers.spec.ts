import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ensureFixtureGraphs } from '../../../generator/recording/graphs.ts';
import { PEERS, peerEntry } from '../../bench/peers/catalogue.ts';
import { type PeerSettings, PeerUnavailable } from '../../bench/peers/peer.ts';
import { load } from '../../bench/peers/plumbline.ts';
import { PeerProcess } from '../../bench/peers/process.ts';
import { timeBatch, timeService } from '../../bench/peers/timing.ts';
import { seededPrompt } from '../../bench/workload.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';

trackResources(test);

const PROMPTS = ['a', 'b', 'c'].map((seed) => seededPrompt(9, 384, seed));
const NEW_TOKENS = 6;

async function settings(): Promise<PeerSettings> {
  return { modelDir: await ensureFixtureGraphs('dense'), threads: 1, cacheTokens: 512, maxBatch: 4 };
}

/** Three prompts continued by our engine, one by one. */
async function expectedTokens(): Promise<number[][]> {
  const peer = await load(await settings());
  const tokens: number[][] = [];
  for (const prompt of PROMPTS) tokens.push(...(await peer.generate([prompt], NEW_TOKENS, () => {})));
  await peer.close();
  return tokens;
}

for (const id of ['plumbline', 'transformers.js', 'onnxruntime-web']) {
  test(`${id} continues a batch greedily as our engine does each prompt, and reports times and memory`, async (t) => {
    const { peer, loaded } = await PeerProcess.start(id, await settings());
    t.teardown(() => peer.kill());
    t.is(peer.title, peerEntry(id).title);
    t.regex(loaded.version, /^\d+\.\d+\.\d+/);
    t.true(loaded.loadMs > 0);
    // f32: three layers, keys and values, two heads of 24.
    t.is(loaded.cacheBytes, id === 'plumbline' ? 512 * 3 * 2 * 2 * 24 * 4 : undefined);
    const expected = await expectedTokens();
    for (const prompts of [PROMPTS, PROMPTS.slice(1)]) {
      const { tokens, firstTokenMs, totalMs } = await peer.batch(prompts, NEW_TOKENS);
      t.deepEqual(tokens, expected.slice(-prompts.length));
      t.true(firstTokenMs > 0 && firstTokenMs < totalMs, `${firstTokenMs} of ${totalMs} ms`);
    }
    t.true((await peer.peakMemory()) > 30e6, 'more than Node alone');
    await peer.close();
    await t.throwsAsync(peer.batch(PROMPTS, 1), { message: /its process has ended$/ });
  });
}

test('a peer that is not installed is unavailable, and says where it was looked for and how to install it', async (t) => {
  const llamaDir = temporaryFolder(t);
  const error = await t.throwsAsync(
    PeerProcess.start('node-llama-cpp', { ...(await settings()), llamaDir }),
    {
      instanceOf: PeerUnavailable,
    },
  );
  t.true(error?.message.includes(join(llamaDir, 'node_modules', 'node-llama-cpp')));
  t.regex(
    error!.message,
    /^node-llama-cpp \(bf16\): it is not installed at .*install it there with: .*npm i /,
  );
});

test('a model without a graph leaves out those that run one', async (t) => {
  const modelDir = temporaryFolder(t);
  for (const id of ['transformers.js', 'onnxruntime-web']) {
    await t.throwsAsync(PeerProcess.start(id, { ...(await settings()), modelDir }), {
      instanceOf: PeerUnavailable,
      message: /has no onnx\/model\.onnx to run$/,
    });
  }
});

test('the error of a peer whose process dies has its exit and its standard error', async (t) => {
  const llamaDir = temporaryFolder(t);
  const home = join(llamaDir, 'node_modules', 'node-llama-cpp');
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, 'package.json'),
    JSON.stringify({ type: 'module', exports: { '.': { import: './dies.js' } } }),
  );
  writeFileSync(
    join(home, 'dies.js'),
    'console.error("no such instruction"); process.exitCode = 7; process.exit();',
  );
  await t.throwsAsync(PeerProcess.start('node-llama-cpp', { ...(await settings()), llamaDir }), {
    message: /its process ended with 7 at "load" .*: no such instruction$/,
  });
});

test('an error of a peer reaches the caller, and the peer goes on', async (t) => {
  const { peer } = await PeerProcess.start('plumbline', await settings());
  t.teardown(() => peer.kill());
  await t.throwsAsync(peer.batch([[400]], 1), { message: /^Plumbline: .*400/ });
  t.is((await peer.batch([[4]], 2)).tokens[0].length, 2);
  const { requests, totalMs } = await peer.service([
    { atMs: 0, ids: [1, 2], maxNewTokens: 3 },
    { atMs: 60, ids: [3], maxNewTokens: 2 },
  ]);
  t.deepEqual(
    requests.map(({ numTokens }) => numTokens),
    [3, 2],
  );
  t.true(totalMs >= 60);
  await peer.close();
});

test('the memory of a peer is its own, however much its parent has', async (t) => {
  const ballast = new Uint8Array(5e8).fill(1);
  const { peer } = await PeerProcess.start('plumbline', await settings());
  t.teardown(() => peer.kill());
  const peak = await peer.peakMemory();
  t.true(peak > 30e6 && peak < 3e8, `${peak} bytes`);
  await peer.close();
  t.is(ballast[4e8], 1);
});

test('the error of an unknown subject lists the known ones', (t) => {
  t.throws(() => peerEntry('other'), {
    instanceOf: RangeError,
    message: `there is no subject "other"; there are ${PEERS.map(({ id }) => id).join(', ')}`,
  });
});

test('requests wait for their turn where a peer serves few at once, and their time counts from when they come', async (t) => {
  const engine = await load(await settings());
  t.teardown(() => engine.close());
  let active = 0;
  const most: number[] = [];
  const begun: number[] = [];
  const limited = {
    ...engine,
    maxConcurrent: 2,
    async generate(...args: Parameters<typeof engine.generate>) {
      most.push(++active);
      begun.push(args[0][0].length);
      try {
        return await engine.generate(...args);
      } finally {
        active--;
      }
    },
  };
  const arrivals = [1, 2, 3, 4, 5].map((length) => ({
    atMs: length === 5 ? 40 : 0,
    ids: seededPrompt(length, 384, 'service'),
    maxNewTokens: 4,
  }));
  const { requests, totalMs } = await timeService(limited, arrivals);
  t.is(Math.max(...most), 2);
  t.deepEqual(begun, [1, 2, 3, 4, 5], 'first come, first served');
  for (const { firstTokenMs, totalMs: each } of requests) t.true(firstTokenMs > 0 && firstTokenMs <= each);
  t.true(requests[0].totalMs <= requests[3].totalMs, 'the fourth waited for the first');
  t.true(requests[4].totalMs <= totalMs - 40, 'what came later did not take the time before');
});

test('a peer that returns too few tokens is not believed', async (t) => {
  const engine = await load(await settings());
  t.teardown(() => engine.close());
  const short = { ...engine, generate: async () => [[1, 2]] };
  const message = '2 tokens came of 3 that were asked for';
  await t.throwsAsync(timeBatch(short, [[1]], 3), { message });
  await t.throwsAsync(timeService(short, [{ atMs: 0, ids: [1], maxNewTokens: 3 }]), { message });
});
