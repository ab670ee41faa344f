// A program for mpirun: rank 0 finalizes MPI, which waits for rank 1, which never does.
import { openMpi } from '../../../engine/parallel/mpi/calls.ts';
import { findLibrary, importKoffi } from '../../../engine/parallel/mpi/library.ts';

const mpi = openMpi(findLibrary(await importKoffi(), process.env));
if (mpi.rank === 0) mpi.finalize(1000);
else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200_000);
