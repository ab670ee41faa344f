import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import { Engine } from '../../engine/engine.ts';
import { createWasmKernels } from '../../engine/kernels/wasm.ts';
import { GroupRun, installedMpis, launcherOf } from '../support/groups/groups.ts';
import { shardedDense, shardedMoe } from '../support/groups/sharded-models.ts';
import {
  differenceFromSingle,
  type ShardedTask,
  shardedRequests,
  shardedSettings,
} from '../support/groups/sharded-workloads.ts';
import { closing, temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

const SEED = 20261122;
const WORKLOADS = 8;
const MAIN = fileURLToPath(new URL('../support/groups/sharded-main.ts', import.meta.url));
const mpis = installedMpis();

test('CI has an MPI; elsewhere the log says that the engine was not tested over MPI', (t) => {
  if (mpis.length === 0)
    t.log('no mpirun of MPICH or Open MPI, or no koffi: apt install mpich, npm install koffi');
  t.true(mpis.length > 0 || process.env.CI !== 'true', 'CI must install an MPI and koffi');
});

const models = { dense: shardedDense(), moe: shardedMoe() };
const cases = mpis.flatMap((mpi, i) => [
  { mpi, name: 'dense', sharding: { tp: 2 } } as const,
  { mpi, name: 'moe', sharding: { ep: 2 } } as const,
  { mpi, name: 'moe', sharding: { tp: 2, ep: 2 } } as const,
  // More ranks than cores are slow; collectives.spec.ts tests more ranks over every MPI.
  ...(i > 0
    ? []
    : [
        { mpi, name: 'dense', sharding: { tp: 4 } } as const,
        { mpi, name: 'moe', sharding: { ep: 4 } } as const,
      ]),
]);

/** Counts of what the workloads must cause. */
const counts = { preemptions: 0, hits: 0, copies: 0 };

for (const [i, { mpi, name, sharding }] of cases.entries()) {
  const model = models[name];
  test.serial(
    `${mpi}: ${name} over ${JSON.stringify(sharding)} ranks computes the bits of one process for random workloads`,
    async (t) => {
      // MPI can be initialised once in a process, so there is one draw of settings for each.
      const [settings] = fc.sample(shardedSettings, { seed: SEED + 100 + i, numRuns: 1 });
      const workloads = fc.sample(shardedRequests(model), { seed: SEED + i, numRuns: WORKLOADS });
      const folder = temporaryFolder(t);
      const [taskFile, outcomeFile] = ['task', 'outcome'].map((file) => join(folder, `${file}.json`));
      const dir = modelDirectory(t, model);
      const task: ShardedTask = { dir, options: { ...settings, ...sharding, threads: 1 }, workloads };
      writeFileSync(taskFile, JSON.stringify(task));

      const size = String(Math.max(...Object.values(sharding)));
      const args = ['-n', size, process.execPath, MAIN, taskFile, outcomeFile];
      const run = new GroupRun(launcherOf(mpi) as string, args, temporaryFolder(t));
      t.teardown(() => run.killAll());
      t.is((await run.end()).exitCode, 0, run.log);
      t.deepEqual(await run.survivors(2000), []);

      const kernels = await createWasmKernels({ maxBytes: 2 ** 24 });
      const whole = { cacheTokens: 128, prefillChunk: 128, prefixCaching: false };
      const single = closing(t, await Engine.load(dir, { ...whole, kernels }));
      const outcome = JSON.parse(readFileSync(outcomeFile, 'utf8'));
      t.is(await differenceFromSingle(single, task, outcome), undefined, JSON.stringify(task));
      const { preemptions, prefixCache, blocks } = outcome.stats;
      counts.preemptions += preemptions;
      counts.hits += prefixCache.hits;
      counts.copies += blocks.copies;
    },
  );
}

test.serial(
  'over MPI too, the workloads caused preemptions, prefix hits and copies of shared blocks',
  (t) => {
    if (mpis.length > 0)
      for (const [what, count] of Object.entries(counts)) t.true(count > 5, `${what}: ${count}`);
    t.log(JSON.stringify(counts));
    t.pass();
  },
);
