import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import type { ProcessGroup } from '../../../engine/parallel/process-group.ts';
import { ensureFixture } from '../../../generator/fixtures/fixtures.ts';
import type { Figure } from '../../bench/figure.ts';
import { timeCollectives } from '../../bench/parallel/collective-times.ts';
import { runCollectives, runTraffic } from '../../bench/parallel/run-ranks.ts';
import { planOf } from '../../bench/parallel/step-traffic.ts';
import { PeerProcess } from '../../bench/peers/process.ts';
import type { BenchReport } from '../../bench/run.ts';
import { installedMpis } from '../../support/groups/groups.ts';
import { temporaryFolder, trackResources } from '../../support/processes/cleanup.ts';
import { ended, startNode } from '../../support/processes/processes.ts';

trackResources(test);

const BENCH = 'spec/bench/bench.ts';
const SMALL = ['--quick', '--model', 'dense', '--rounds', '1', '--threads', '2', '--subjects', 'plumbline'];

test.before('the fixture is made once', async () => {
  await ensureFixture('dense');
});

test('a run shows collectives, speed, memory and bytes of ranks, each held to something of the same run', async (t) => {
  const folder = temporaryFolder(t);
  const [json, html] = ['bench.json', 'bench.html'].map((name) => join(folder, name));
  const args = [...SMALL, '--suite', 'parallel', '--json', json, '--html', html];
  const { exitCode, out, err } = await ended(startNode(BENCH, args));
  t.deepEqual({ exitCode, err }, { exitCode: 0, err: '' }, out);
  t.deepEqual(readdirSync(folder).sort(), ['bench.html', 'bench.json']);
  const { figures, skipped }: BenchReport = JSON.parse(readFileSync(json, 'utf8'));
  const missing = ['MPICH', 'Open MPI'].filter((mpi) => !installedMpis().some((name) => name === mpi));
  t.deepEqual(
    skipped.map(({ suite, subject }) => [suite, subject]),
    missing.map((mpi) => ['parallel', mpi]),
  );
  const of = (task: string) => figures.filter((figure) => figure.task === task);
  const titles = (some: readonly Figure[]) => some.map(({ variant, subject }) => `${variant}: ${subject}`);

  const byFork = figures.filter(({ subject }) => subject === 'fork');
  t.deepEqual(titles(byFork).sort(), [
    'FIFO copy of 4096 KiB: fork',
    'FIFO copy of 512 KiB: fork',
    ...['32', '4', '4096', '512'].map((size) => `all-gather of ${size} KiB: fork`),
    ...['32', '4', '4096', '512'].map((size) => `all-reduce of ${size} KiB: fork`),
    'barrier: fork',
    'round trip of 32 KiB: fork',
    'round trip of 4 KiB: fork',
    'round trip: fork',
  ]);
  const medianOf = (variant: string) => byFork.find((figure) => figure.variant === variant)!.summary.median;
  for (const { variant = '', limit, partOfLimit } of byFork) {
    if (/^(round trip|FIFO copy)/.test(variant)) {
      t.is(partOfLimit, undefined, variant);
      continue;
    }
    const [, size = ''] = /( of \d+ KiB)$/.exec(variant) ?? [];
    const isLong = /(512|4096) KiB$/.test(variant);
    t.is(limit?.value, isLong ? medianOf(`FIFO copy${size}`) : medianOf(`round trip${size}`) / 2, variant);
    t.true(partOfLimit! > 0, variant);
  }

  const speed = of('tokens per second over ranks');
  t.deepEqual(
    titles(speed),
    ['decode, batch 1', 'decode, batch 8', 'prefill of 512'].flatMap((variant) =>
      ['Plumbline', 'Plumbline, tp 2'].map((subject) => `${variant}: ${subject}`),
    ),
  );
  for (const [i, { limit, summary }] of speed.entries()) {
    if (i % 2 === 0) t.is(limit, undefined);
    else t.deepEqual(limit, { value: speed[i - 1].summary.median, from: 'one process with 2 threads' });
    t.true(summary.median > 0);
  }

  const [whole, ...ranks] = of('peak memory of a rank');
  t.deepEqual(
    [whole, ...ranks].map(({ subject }) => subject),
    ['Plumbline', 'Plumbline, tp 2, rank 0', 'Plumbline, tp 2, rank 1'],
  );
  t.true([whole, ...ranks].every(({ summary }) => summary.median > 40));
  t.true(ranks.every(({ limit }) => limit!.value === whole.summary.median / 2));
  const [held, heldByRank] = of('memory of weights, cache and work');
  const part = heldByRank.summary.median / held.summary.median;
  t.true(part > 0.5 && part < 0.75, `a rank holds ${part} of what one process does`);

  const sent = of('bytes sent per token');
  t.deepEqual(
    sent.map(({ variant, partOfLimit }) => [variant, partOfLimit]),
    ['decode, batch 1', 'decode, batch 8', 'prefill of 128'].map((variant) => [variant, 1]),
  );
});

test('every operation is timed in every round, at every size', async (t) => {
  const times = await runCollectives('fork', 2, { name: 'collectives', rounds: 3, sizes: [64, 100_000] });
  t.deepEqual(
    times.map(({ operation, bytes }) => `${operation} ${bytes}`),
    [
      'barrier 0',
      ...[0, 64, 100_000].map((bytes) => `round trip ${bytes}`),
      ...[64, 100_000].flatMap((bytes) =>
        ['all-reduce', 'all-gather', 'FIFO copy'].map((name) => `${name} ${bytes}`),
      ),
    ],
  );
  t.true(times.every(({ samples }) => samples.length === 3 && samples.every((sample) => sample > 0)));
});

test('a timed operation is called on as many bytes as it says, as often in every round', async (t) => {
  t.teardown(() => rmSync(join(tmpdir(), 'copy-0')));
  // How often each method moved how many bytes.
  const moved: Record<string, Record<number, number>> = {};
  const counting = (name: string) => {
    moved[name] = {};
    return ({ byteLength }: ArrayBufferView) => {
      moved[name][byteLength] = (moved[name][byteLength] ?? 0) + 1;
    };
  };
  const names = ['allReduce', 'allGather', 'send', 'receive'];
  const methods = Object.fromEntries(names.map((name) => [name, counting(name)]));
  const group = { rank: 0, size: 2, barrier: () => {}, ...methods } as unknown as ProcessGroup;
  await timeCollectives(group, { name: 'collectives', rounds: 2, sizes: [65_536, 2 ** 22] });
  // 4 MiB together, but 4 calls at least and 200 at most; in two rounds and their warm-up.
  const collective = { 65536: 3 * 64, 4194304: 3 * 4 };
  const message = { 0: 3 * 200, ...collective };
  t.deepEqual(moved, { allReduce: collective, allGather: collective, send: message, receive: message });
});

test('the memory of ranks is reported by rank, and they end with the peer', async (t) => {
  const modelDir = await ensureFixture('dense');
  const settings = { modelDir, threads: 1, tp: 2, cacheTokens: 64, maxBatch: 1 };
  const { peer } = await PeerProcess.start('plumbline', settings);
  t.teardown(() => peer.kill());
  const memory = await peer.rankMemory();
  t.is(memory.length, 2);
  t.true(
    memory.every((bytes) => bytes > 30e6 && bytes < 1e9),
    memory.join(),
  );
  await peer.close();
});

test('the error of ranks that fail has their messages, and they leave nothing', async (t) => {
  const modelDir = temporaryFolder(t);
  const plans = [planOf([{ past: 0, ids: [1] }])];
  const error = await t.throwsAsync(runTraffic(2, { name: 'traffic', modelDir, plans }));
  t.regex(error!.message, /^2 ranks over fork ended with 1: .*cannot read .*config\.json/s);
});

test('SIGTERM ends a bench while ranks are at work, and them with it', async (t) => {
  const folder = temporaryFolder(t);
  const args = [...SMALL, '--suite', 'parallel', '--rounds', '1000'];
  const child = startNode(BENCH, args, { env: { TMPDIR: folder } });
  t.teardown(() => {
    for (const pid of processesIn(folder)) process.kill(pid, 'SIGKILL');
  });
  const end = ended(child);
  // What rank 1 makes before anything is timed, for many rounds.
  const isAtWork = () =>
    readdirSync(folder, { recursive: true }).some((path) => /copy-1$/.test(String(path)));
  while (child.exitCode === null && !isAtWork()) await sleep(20);
  t.true(processesIn(folder).length > 2);
  child.kill('SIGTERM');
  t.is((await end).exitCode, 143);
  for (let waited = 0; waited < 5000 && processesIn(folder).length > 0; waited += 20) await sleep(20);
  t.deepEqual(processesIn(folder).map(commandOf), []);
  t.deepEqual(readdirSync(folder), []);
});

/** Processes whose temporary folder is this one or lies in it. */
function processesIn(folder: string): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((pid) => ofProcess(pid, 'environ').includes(`TMPDIR=${folder}`));
}

const commandOf = (pid: number) => ofProcess(pid, 'cmdline').replaceAll('\0', ' ');

function ofProcess(pid: number, file: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    // It has ended in the meantime.
    return '';
  }
}
