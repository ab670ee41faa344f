import test from 'ava';
import {
  hasMpiRanks,
  mpirunEnvironment,
  rankTag,
  startedByMpirun,
} from '../../../../../engine/parallel/mpi/mpirun.ts';

const MPICH = { PMI_SIZE: '4', PMI_RANK: '3', MPI_LOCALNRANKS: '2' };
const OPEN_MPI = {
  OMPI_COMM_WORLD_SIZE: '4',
  OMPI_COMM_WORLD_RANK: '3',
  OMPI_COMM_WORLD_LOCAL_SIZE: '2',
};

for (const [name, environment] of Object.entries({ MPICH, OPEN_MPI })) {
  test(`size, rank and local size are read from the variables of ${name}`, (t) => {
    t.deepEqual(mpirunEnvironment(environment), { size: 4, rank: 3, localSize: 2 });
    t.true(startedByMpirun(environment));
    t.is(rankTag(environment), '[rank 3] ');
  });
}

test('several ranks are those of mpirun in its processes, unless a backend is named', (t) => {
  t.true(hasMpiRanks({ numRanks: 2 }, MPICH));
  t.false(hasMpiRanks({ numRanks: 1 }, MPICH));
  t.false(hasMpiRanks({ numRanks: 2 }, {}));
  t.false(hasMpiRanks({ numRanks: 2, backend: 'fork' }, MPICH));
  t.true(hasMpiRanks({ numRanks: 1, backend: 'mpi' }, {}));
});

test('a process without mpirun, or the only one of mpirun, is not one of several', (t) => {
  t.deepEqual(mpirunEnvironment({}), { size: undefined, rank: undefined, localSize: undefined });
  for (const environment of [{}, { PMI_SIZE: '1', PMI_RANK: '0' }]) {
    t.false(startedByMpirun(environment));
    t.is(rankTag(environment), '');
  }
});
