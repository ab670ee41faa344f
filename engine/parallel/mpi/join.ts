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

let joined = false;

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
  joined = true;
  const group = new Collectives(transport);
  transport.localRanks = findLocalRanks(group);
  return group;
}

/** Whether this process has joined a group, so that MPI ends the other ranks if it exits early. */
export function hasJoined(): boolean {
  return joined;
}
