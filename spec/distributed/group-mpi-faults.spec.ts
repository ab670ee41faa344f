import test from 'ava';
import { WITHIN_MS } from '../support/group-failures.ts';
import type { Scenario } from '../support/group-scenarios.ts';
import { installedMpis, startGroup } from '../support/groups.ts';

const TIMEOUT_MS = 1000;

const mpis = installedMpis();

test('MPI is here, or else this says that its failures were not tested', (t) => {
  if (mpis.length === 0) t.log('no mpirun of MPICH or Open MPI: apt install mpich');
  t.true(mpis.length > 0 || process.env.CI !== 'true', 'CI must install an MPI');
});

const reasons: [Scenario, RegExp][] = [
  [{ name: 'disagrees', rank: 1 }, /The ranks disagree on config: rank 1 against the others/],
  [
    { name: 'mismatch', rank: 2 },
    /Rank 2 sent 0 bytes of allGather where rank \d expected 0 bytes of barrier/,
  ],
  [
    { name: 'lengths', rank: 2 },
    /Rank 2 sent 4 bytes of allGather where rank \d expected 8 bytes of allGather/,
  ],
  [{ name: 'lengths', rank: 2 }, /Rank \d sent more than the 4 bytes of allGather that rank 2 expected/],
  [{ name: 'aborts', rank: 2 }, /Rank 2 gave up: enough is enough/],
  [{ name: 'throws', rank: 1 }, /Error: no space left on device/],
  [{ name: 'busy', rank: 1 }, /Rank \d has waited 1\.\d s for rank 1 in allGather/],
];

for (const mpi of mpis) {
  for (const [scenario, reason] of reasons) {
    test.serial(
      `${mpi}: all ranks end, when a rank ${scenario.name}, and one says ${reason.source}`,
      async (t) => {
        const run = startGroup(t, mpi, scenario, { size: 3, timeoutMs: TIMEOUT_MS });
        t.not((await run.end()).exitCode, 0);
        t.deepEqual(await run.survivors(WITHIN_MS), []);
        t.regex(run.log, reason);
      },
    );
  }

  test.serial(`${mpi}: a rank that is stopped is named, and all end`, async (t) => {
    const run = startGroup(t, mpi, { name: 'endless' }, { size: 3, timeoutMs: TIMEOUT_MS });
    await run.working(3);
    run.signal(2, 'SIGSTOP');
    t.not((await run.end()).exitCode, 0);
    t.deepEqual(await run.survivors(WITHIN_MS), []);
    t.regex(run.log, /Rank \d has waited 1\.\d s for rank 2 in allGather/);
  });

  test.serial(`${mpi}: a rank that is killed ends the others`, async (t) => {
    const run = startGroup(t, mpi, { name: 'endless' }, { size: 3, timeoutMs: TIMEOUT_MS });
    await run.working(3);
    run.signal(1, 'SIGKILL');
    t.not((await run.end()).exitCode, 0);
    t.deepEqual(await run.survivors(WITHIN_MS), []);
  });

  test.serial(`${mpi}: ranks end with mpirun`, async (t) => {
    const run = startGroup(t, mpi, { name: 'endless' }, { size: 3, timeoutMs: TIMEOUT_MS });
    await run.working(3);
    process.kill(run.pid, 'SIGTERM');
    await run.end();
    t.deepEqual(await run.survivors(WITHIN_MS), []);
  });
}
