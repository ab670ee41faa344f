import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { WITHIN_MS } from '../support/groups/group-failures.ts';
import type { Scenario } from '../support/groups/group-scenarios.ts';
import {
  installedMpis,
  launcherOf,
  MAIN,
  OPEN_MPI_ENVIRONMENT,
  startGroup,
} from '../support/groups/groups.ts';

const TIMEOUT_MS = 1000;
const FINALIZE = fileURLToPath(new URL('../support/groups/finalize-main.ts', import.meta.url));

const mpis = installedMpis();

test('CI has an MPI; elsewhere the log says that failures of MPI were not tested', (t) => {
  if (mpis.length === 0)
    t.log('no mpirun of MPICH or Open MPI, or no koffi: apt install mpich, npm install koffi');
  t.true(mpis.length > 0 || process.env.CI !== 'true', 'CI must install an MPI and koffi');
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
  [{ name: 'busy', rank: 1 }, /Rank \d has waited \d\.\d s for rank 1 in allGather/],
];

for (const mpi of mpis) {
  for (const [scenario, reason] of reasons) {
    test.serial(
      `${mpi}: the fault "${scenario.name}" ends all ranks, and one reports ${reason.source}`,
      async (t) => {
        const run = startGroup(t, mpi, scenario, { size: 3, timeoutMs: TIMEOUT_MS });
        t.not((await run.end()).exitCode, 0);
        t.deepEqual(await run.survivors(WITHIN_MS), []);
        t.regex(run.log, reason);
      },
    );
  }

  test.serial(`${mpi}: a stopped rank is named, and all ranks end`, async (t) => {
    const run = startGroup(t, mpi, { name: 'endless' }, { size: 3, timeoutMs: TIMEOUT_MS });
    await run.working(3);
    run.signal(2, 'SIGSTOP');
    t.not((await run.end()).exitCode, 0);
    t.deepEqual(await run.survivors(WITHIN_MS), []);
    t.regex(run.log, /Rank \d has waited \d\.\d s for rank 2 in (barrier|allGather)/);
  });

  test.serial(`${mpi}: killing a rank ends the others`, async (t) => {
    const run = startGroup(t, mpi, { name: 'endless' }, { size: 3, timeoutMs: TIMEOUT_MS });
    await run.working(3);
    run.signal(1, 'SIGKILL');
    t.not((await run.end()).exitCode, 0);
    t.deepEqual(await run.survivors(WITHIN_MS), []);
  });

  test.serial(`${mpi}: a rank that MPI_Finalize holds up is ended after its time limit`, (t) => {
    const { status, stderr } = spawnSync(launcherOf(mpi)!, ['-n', '2', process.execPath, FINALIZE], {
      ...{ encoding: 'utf8', timeout: 100_000, env: { ...process.env, ...OPEN_MPI_ENVIRONMENT } },
    });
    // By alarm(2): SIGALRM is signal 14.
    t.true(status === 14 || status === 128 + 14, `exit code ${status} of mpirun: ${stderr}`);
  });

  test.serial(`${mpi}: ranks end with mpirun`, async (t) => {
    const run = startGroup(t, mpi, { name: 'endless' }, { size: 3, timeoutMs: TIMEOUT_MS });
    await run.working(3);
    process.kill(run.pid, 'SIGTERM');
    await run.end();
    t.deepEqual(await run.survivors(WITHIN_MS), []);
  });
}

/** Runs one process without mpirun, which is a group of one for MPI. */
function runWithoutMpirun(environment: Record<string, string>): string {
  const args = [MAIN, 'mpi', '1', '{"name":"linger"}', '1000'];
  const env = { ...process.env, ...environment };
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  return `${status}: ${stderr}`;
}

if (mpis.length > 0) {
  const [mpi] = mpis;
  test.serial('an MPI library that does not exist is named', (t) => {
    t.regex(
      runWithoutMpirun({ PLUMBLINE_MPI_LIBRARY: '/no/libmpi.so' }),
      /^1: .*Cannot open an MPI library \(\/no\/libmpi\.so: /,
    );
  });

  test.serial(`${mpi}: one process without mpirun is a group and closes it`, (t) => {
    t.regex(runWithoutMpirun({}), /^0: \[rank 0\] pid 0/);
  });

  test.serial(`${mpi}: joining under an mpirun of another MPI is refused`, (t) => {
    const variables = { MPICH: 'OMPI_COMM_WORLD_SIZE', 'Open MPI': 'PMI_SIZE' };
    const library = { MPICH: 'libmpich.so.12', 'Open MPI': 'libmpi.so.40' };
    const environment = { [variables[mpi]]: '2', PLUMBLINE_MPI_LIBRARY: library[mpi] };
    t.regex(
      runWithoutMpirun(environment),
      new RegExp(`^1: .*mpirun has started 2 processes, of which ${mpi} sees 1: set PLUMB`),
    );
  });
}
