import { availableParallelism } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { openGroup, shareOfThreads } from '../../../../engine/distributed/open-group.ts';

// Groups of more than one rank are opened by spec/distributed/.

test('a single rank is this process, and no other is started', async (t) => {
  const { group, checked } = await openGroup('/nowhere', { numRanks: 1 }, async () => 7);
  t.like(group, { rank: 0, size: 1 });
  t.is(checked, 7);
  await group.close();
});

test('no rank is started if the check fails', async (t) => {
  const check = () => Promise.reject(new Error('no such model'));
  await t.throwsAsync(openGroup('/nowhere', { numRanks: 2 }, check), { message: 'no such model' });
});

/** What mpirun sets in the environment of ranks. */
function underMpirun(t: ExecutionContext, variables: Record<string, string>): void {
  Object.assign(process.env, variables);
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
}

const share = (ranks: number) => Math.max(1, Math.floor(availableParallelism() / ranks));

test.serial('the threads of a machine are divided among the ranks on it', (t) => {
  t.is(shareOfThreads({ numRanks: 1 }), availableParallelism());
  t.is(shareOfThreads({ numRanks: 2 }), share(2));
  t.is(shareOfThreads({ numRanks: 100_000 }), 1);
});

for (const [size, here] of [
  ['PMI_SIZE', 'MPI_LOCALNRANKS'],
  ['OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_SIZE'],
]) {
  test.serial(`ranks on other machines, by ${here}, do not share the threads of this one`, (t) => {
    underMpirun(t, { [size]: '4', [here]: '1' });
    t.is(shareOfThreads({ numRanks: 4 }), availableParallelism());
    t.is(shareOfThreads({ numRanks: 4, backend: 'mpi' }), availableParallelism());
    t.is(shareOfThreads({ numRanks: 4, backend: 'fork' }), share(4));
    underMpirun(t, { [here]: '2' });
    t.is(shareOfThreads({ numRanks: 4 }), share(2));
  });
}

test.serial('without a number of local ranks from mpirun, all ranks are taken to be local', (t) => {
  underMpirun(t, { PMI_SIZE: '2' });
  t.is(shareOfThreads({ numRanks: 2 }), share(2));
});
