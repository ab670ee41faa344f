import { readdirSync } from 'node:fs';
import test from 'ava';
import type { Scenario } from '../support/groups/group-scenarios.ts';
import { type Backend, installedMpis, startGroup } from '../support/groups/groups.ts';

const mpis = installedMpis();
const backends: Backend[] = ['fork', ...mpis];

test('CI has an MPI; elsewhere the log says that collectives over MPI were not tested', (t) => {
  if (mpis.length === 0)
    t.log('no mpirun of MPICH or Open MPI, or no koffi: apt install mpich, npm install koffi');
  t.true(mpis.length > 0 || process.env.CI !== 'true', 'CI must install an MPI and koffi');
});

for (const backend of backends) {
  for (const [size, numRuns] of [
    [2, 60],
    [3, 15],
    [4, 25],
  ]) {
    test.serial(
      `collectives of ${size} ranks over ${backend} give every rank the values that ProcessGroup documents`,
      async (t) => {
        const scenario: Scenario = { name: 'collectives', numRuns, seed: 20261122 };
        const run = startGroup(t, backend, scenario, { size });
        t.deepEqual(await run.end(), { exitCode: 0, signal: null }, run.log);
        t.deepEqual(await run.survivors(2000), []);
        t.deepEqual(readdirSync(run.folder), []);
      },
    );
  }

  test.serial(`collectives of 64 MB over ${backend} give the right values`, async (t) => {
    const run = startGroup(t, backend, { name: 'large', bytes: 64 * 2 ** 20 });
    t.deepEqual(await run.end(), { exitCode: 0, signal: null }, run.log);
  });
}
