import { readlinkSync, realpathSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Engine } from '../../engine/engine.ts';
import { generateOne } from '../../verify/generate.ts';
import type { Scenario } from '../support/groups/group-scenarios.ts';
import { type GroupRun, installedMpis, MAIN } from '../support/groups/groups.ts';
import { Hosts, whyNoHosts } from '../support/groups/hosts.ts';
import { shardedDense } from '../support/groups/sharded-models.ts';
import { trackResources } from '../support/processes/cleanup.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

const TIMEOUT_MS = 1000;
/** The time limit, keepalive's seconds, the launcher's grace, and a reserve for a busy machine. */
const ENDS_WITHIN_MS = 15_000;
const ENGINE = fileURLToPath(new URL('../support/processes/engine-main.ts', import.meta.url));

const obstacle = whyNoHosts();
const mpis = installedMpis();

test('CI has an MPI and network namespaces; elsewhere the log says that hosts were not tested', (t) => {
  if (mpis.length === 0)
    t.log('no mpirun of MPICH or Open MPI, or no koffi: apt install mpich, npm install koffi');
  if (obstacle) t.log(obstacle);
  t.true(mpis.length > 0 || process.env.CI !== 'true', 'CI must install an MPI and koffi');
  const canHaveHosts = process.platform === 'linux' && process.getuid?.() === 0;
  t.true(
    !obstacle || process.env.CI !== 'true' || !canHaveHosts,
    `root in CI must be able to make network namespaces: ${obstacle}`,
  );
});

const groupOf = (scenario: Scenario, timeoutMs: number) => [
  ...[process.execPath, MAIN, 'mpi', '2'],
  ...[JSON.stringify(scenario), String(timeoutMs)],
];

const engineOf = (modelDir: string, tokens: number, timeoutMs: number, requests = 1) => [
  ...[process.execPath, ENGINE, modelDir],
  ...[String(tokens), String(timeoutMs), String(requests)],
];

/** Whether a process is a rank, and not mpirun or one of its daemons. */
function isRank(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === realpathSync(process.execPath);
  } catch {
    // The process has ended.
    return false;
  }
}

/** Waits until `done` holds. @throws Error if the run ends before. */
async function until(run: GroupRun, done: () => boolean): Promise<void> {
  let over = false;
  run.end().then(() => {
    over = true;
  });
  while (!done()) {
    if (over) throw new Error(`ended early:\n${run.log}`);
    await sleep(5);
  }
}

/**
 * Waits until a run has no processes left, except Open MPI's daemons, which wait for each other.
 *
 * @returns those left.
 */
async function leftOf(run: GroupRun, mpi: string): Promise<number[]> {
  const deadline = Date.now() + ENDS_WITHIN_MS;
  const left = async () => (await run.survivors(0)).filter((pid) => mpi === 'MPICH' || isRank(pid));
  while ((await left()).length > 0 && Date.now() < deadline) await sleep(20);
  return left();
}

/** The error of a rank that misses the other one. */
const missing = (rank: number) =>
  new RegExp(
    `GroupError: Rank ${rank} has (waited \\d+\\.\\d s|lost a connection to another host while it waited) for rank ${1 - rank} in `,
  );

for (const mpi of obstacle ? [] : mpis) {
  test.serial(
    `${mpi}: an engine over two hosts has the fingerprint of one process, and uses all cores of each host`,
    async (t) => {
      const hosts = await Hosts.make(t);
      const modelDir = modelDirectory(t, shardedDense());
      const engine = await Engine.load(modelDir, { threads: 1 });
      t.teardown(() => engine.close());
      const { result } = await generateOne(engine, { ids: [1, 2, 3], maxNewTokens: 30, ignoreEos: true });
      const before = hosts.sentBytes;
      const run = hosts.start(t, mpi, engineOf(modelDir, 30, 10_000));
      t.is((await run.end()).exitCode, 0, run.log + hosts.stderr);
      for (const rank of [0, 1]) t.is(hosts.stderrOf(rank), `threads ${availableParallelism()}\n`);
      t.true(run.lines.includes(`fingerprint ${result.fingerprint}`), run.log);
      t.deepEqual(await run.survivors(ENDS_WITHIN_MS), []);
      for (const [i, sent] of hosts.sentBytes.entries()) t.true(sent - before[i] > 10_000, `${sent}`);
    },
  );

  test.serial(`${mpi}: if the link is cut, both ranks name the missing one and end`, async (t) => {
    const hosts = await Hosts.make(t);
    // Far more requests than are served before the link is cut, however fast the machine is.
    const run = hosts.start(t, mpi, engineOf(modelDirectory(t, shardedDense()), 200, TIMEOUT_MS, 1000));
    await until(run, () => run.log.includes('token'));
    hosts.cut();
    t.deepEqual(await leftOf(run, mpi), []);
    for (const rank of [0, 1]) t.regex(hosts.stderrOf(rank), missing(rank));
  });
}

for (const mpi of obstacle ? [] : mpis.slice(0, 1)) {
  test.serial(
    `${mpi}: collectives of two hosts send their bytes over the link and give the right values`,
    async (t) => {
      const hosts = await Hosts.make(t);
      const before = hosts.sentBytes;
      const bytes = 4_000_000;
      const run = hosts.start(t, mpi, groupOf({ name: 'large', bytes }, 10_000));
      t.is((await run.end()).exitCode, 0, run.log + hosts.stderr);
      t.deepEqual(await run.survivors(ENDS_WITHIN_MS), []);
      for (const [i, sent] of hosts.sentBytes.entries()) t.true(sent - before[i] > bytes, `${sent}`);
    },
  );

  test.serial(
    `${mpi}: a wait without a limit outlasts a busy rank, but fails if the link is cut`,
    async (t) => {
      const [hosts, others] = [await Hosts.make(t), await Hosts.make(t)];
      const patient = (where: Hosts, ms: number) =>
        where.start(t, mpi, groupOf({ name: 'patient', ms }, TIMEOUT_MS));
      const [run, intact] = [patient(hosts, 3500), patient(others, 3000)];
      await until(run, () => hosts.stderrOf(1).includes('pid 1'));
      hosts.cut();
      t.is((await intact.end()).exitCode, 0, intact.log + others.stderr);
      t.deepEqual(await leftOf(run, mpi), []);
      t.regex(
        hosts.stderrOf(1),
        /Rank 1 has lost a connection to another host while it waited for rank 0 in broadcast/,
      );
      t.regex(
        hosts.stderrOf(0),
        /GroupError: Rank 0 (has waited \d+\.\d s for|cannot exchange messages with) rank 1/,
      );
    },
  );
}
