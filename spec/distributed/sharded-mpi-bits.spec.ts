import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import { Engine } from '../../engine/engine.ts';
import { createWasmKernels } from '../../engine/kernels/wasm.ts';
import { GroupRun, installedMpis, launcherOf } from '../support/groups/groups.ts';
import { spreadDense, spreadMoe } from '../support/groups/sharded-models.ts';
import {
  differenceFromAlone,
  type SpreadTask,
  spreadRequests,
  spreadSettings,
} from '../support/groups/sharded-workloads.ts';
import { closing, temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

const SEED = 20261122;
const WORKLOADS = 8;
const MAIN = fileURLToPath(new URL('../support/groups/sharded-main.ts', import.meta.url));
const mpis = installedMpis();

test('MPI is here, or else this says that the engine was not run under it', (t) => {
  if (mpis.length === 0)
    t.log('no mpirun of MPICH or Open MPI, or no koffi: apt install mpich, npm install koffi');
  t.true(mpis.length > 0 || process.env.CI !== 'true', 'CI must install an MPI and koffi');
});

const models = { dense: spreadDense(), moe: spreadMoe() };
const cases = mpis.flatMap((mpi, i) => [
  { mpi, name: 'dense', spread: { tp: 2 } } as const,
  { mpi, name: 'moe', spread: { ep: 2 } } as const,
  { mpi, name: 'moe', spread: { tp: 2, ep: 2 } } as const,
  // More ranks than cores are slow, and the collectives are held to more ranks under every MPI by themselves.
  ...(i > 0
    ? []
    : [{ mpi, name: 'dense', spread: { tp: 4 } } as const, { mpi, name: 'moe', spread: { ep: 4 } } as const]),
]);

/** What shows that the ranks were put through all that an engine does. */
const taken = { preemptions: 0, hits: 0, copies: 0 };

for (const [i, { mpi, name, spread }] of cases.entries()) {
  const model = models[name];
  test.serial(
    `${mpi}: ${name} over ${JSON.stringify(spread)} ranks has the bits of one process, whatever is served`,
    async (t) => {
      // MPI is begun once in a process, hence one draw of settings for each.
      const [settings] = fc.sample(spreadSettings, { seed: SEED + 100 + i, numRuns: 1 });
      const workloads = fc.sample(spreadRequests(model), { seed: SEED + i, numRuns: WORKLOADS });
      const folder = temporaryFolder(t);
      const [taskFile, outcomeFile] = ['task', 'outcome'].map((file) => join(folder, `${file}.json`));
      const dir = modelDirectory(t, model);
      const task: SpreadTask = { dir, options: { ...settings, ...spread, threads: 1 }, workloads };
      writeFileSync(taskFile, JSON.stringify(task));

      const size = String(Math.max(...Object.values(spread)));
      const args = ['-n', size, process.execPath, MAIN, taskFile, outcomeFile];
      const run = new GroupRun(launcherOf(mpi) as string, args, temporaryFolder(t));
      t.teardown(() => run.killAll());
      t.is((await run.end()).exitCode, 0, run.log);
      t.deepEqual(await run.survivors(2000), []);

      const kernels = await createWasmKernels({ maxBytes: 2 ** 24 });
      const whole = { cacheTokens: 128, prefillChunk: 128, prefixCaching: false };
      const alone = closing(t, await Engine.load(dir, { ...whole, kernels }));
      const outcome = JSON.parse(readFileSync(outcomeFile, 'utf8'));
      t.is(await differenceFromAlone(alone, task, outcome), undefined, JSON.stringify(task));
      const { preemptions, prefixCache, blocks } = outcome.stats;
      taken.preemptions += preemptions;
      taken.hits += prefixCache.hits;
      taken.copies += blocks.copies;
    },
  );
}

test.serial(
  'under MPI too, requests were preempted, found prefixes, and shared blocks until they parted',
  (t) => {
    if (mpis.length > 0)
      for (const [what, count] of Object.entries(taken)) t.true(count > 5, `${what}: ${count}`);
    t.log(JSON.stringify(taken));
    t.pass();
  },
);
