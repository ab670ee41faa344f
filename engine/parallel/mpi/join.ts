import { GroupError } from '../../errors.ts';
import { Collectives } from '../collectives.ts';
import type { ProcessGroup } from '../process-group.ts';
import { openMpi } from './calls.ts';
import { Connections } from './connections.ts';
import { findLibrary, importKoffi, LIBRARY_VARIABLE, socketOptions } from './library.ts';
import { findNeighbours } from './local-ranks.ts';
import { MpiTransport } from './mpi-transport.ts';
import { toldByMpirun } from './mpirun.ts';

export interface JoinOptions {
  /** How long a rank may stay away before the group fails, in ms. Default 10 000. */
  timeoutMs?: number;
}

let joined = false;

/**
 * Joins the group of the processes that `mpirun` has started with this one, on one machine or many. Can be done once in
 * a process. If this process exits without having closed the group, MPI ends the others.
 *
 * @throws GroupError if koffi or an MPI library is missing, or the library is not the one of the mpirun that was used.
 */
export async function joinMpi({ timeoutMs = 10_000 }: JoinOptions = {}): Promise<ProcessGroup> {
  const library = findLibrary(await importKoffi(), process.env);
  const connections = new Connections(socketOptions(library), timeoutMs);
  const mpi = openMpi(library);
  const { size: started = mpi.size, localSize = mpi.size } = toldByMpirun();
  if (started !== mpi.size) {
    throw new GroupError(
      `mpirun has started ${started} processes, of which ${mpi.name} sees ${mpi.size}: ` +
        `name the library that belongs to this mpirun in ${LIBRARY_VARIABLE}`,
    );
  }
  const transport = new MpiTransport(mpi, { timeoutMs, localSize, connections });
  process.once('exit', (code) => transport.abortUnlessClosed(code));
  joined = true;
  const group = new Collectives(transport);
  transport.neighbours = findNeighbours(group);
  return group;
}

/** Whether this process has joined the others: from then on MPI minds how it ends. */
export function hasJoined(): boolean {
  return joined;
}
