import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { GroupError } from '../../errors.ts';
import { Collectives } from '../collectives.ts';
import type { ProcessGroup } from '../process-group.ts';
import { openMpi } from './calls.ts';
import { Connections } from './connections.ts';
import { checkHydra } from './hydra.ts';
import { findLibrary, importKoffi, LIBRARY_VARIABLE, socketOptions } from './library.ts';
import { findLocalRanks } from './local-ranks.ts';
import { MpiTransport } from './mpi-transport.ts';
import { mpirunEnvironment } from './mpirun.ts';

export interface JoinOptions {
  /** How long a rank may be waited for before the group fails, in ms. Default 10 000. */
  timeoutMs?: number;
}

/** Threads inherit the data of this name from the thread that starts them. */
const JOINED = 'plumbline: joined the group of mpirun';

/**
 * Joins the group of the processes that `mpirun` has started with this one, on one machine or several. Works
 * once in a process. If this process exits without closing the group, MPI ends the others.
 *
 * @throws GroupError if koffi or an MPI library is missing, the library belongs to another mpirun, or the
 * connection to mpirun is not open.
 */
export async function joinMpi({ timeoutMs = 10_000 }: JoinOptions = {}): Promise<ProcessGroup> {
  checkHydra();
  const library = findLibrary(await importKoffi(), process.env);
  const connections = new Connections(socketOptions(library), timeoutMs);
  const mpi = openMpi(library);
  const { size: started = mpi.size, localSize = mpi.size } = mpirunEnvironment();
  if (started !== mpi.size) {
    throw new GroupError(
      `mpirun has started ${started} processes, of which ${mpi.name} sees ${mpi.size}: ` +
        `set ${LIBRARY_VARIABLE} to the library that belongs to this mpirun`,
    );
  }
  const transport = new MpiTransport(mpi, { timeoutMs, localSize, connections });
  process.once('exit', (code) => transport.abortUnlessClosed(code));
  Atomics.store(joinedFlag(), 0, 1);
  const group = new Collectives(transport);
  transport.localRanks = findLocalRanks(group);
  return group;
}

/**
 * Whether this process has joined a group, so that MPI ends the other ranks if it exits early. That a
 * thread of this process has joined is known after {@link shareJoined}.
 */
export function hasJoined(): boolean {
  return Atomics.load(joinedFlag(), 0) === 1;
}

/** Lets threads that are started from now on tell this one that they have joined. */
export function shareJoined(): void {
  joinedFlag();
}

function joinedFlag(): Int32Array {
  const inherited = getEnvironmentData(JOINED);
  if (inherited instanceof Int32Array) return inherited;
  const flag = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData(JOINED, flag);
  return flag;
}
