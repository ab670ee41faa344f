import { GroupError } from '../../errors.ts';
import { Collectives } from '../collectives.ts';
import type { ProcessGroup } from '../process-group.ts';
import { openMpi } from './calls.ts';
import { Connections } from './connections.ts';
import { findLibrary, importKoffi, LIBRARY_VARIABLE, socketOptions } from './library.ts';
import { MpiTransport } from './mpi-transport.ts';
import { findNeighbours } from './neighbours.ts';

export interface JoinOptions {
  /** How long a rank may stay away before the group fails, in ms. Default 10 000. */
  timeoutMs?: number;
}

/** How launchers tell the number of ranks: Open MPI's, then MPICH's. */
const SIZE_VARIABLES = ['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE'];
/** The same for the ranks on this machine. */
const LOCAL_SIZE_VARIABLES = ['OMPI_COMM_WORLD_LOCAL_SIZE', 'MPI_LOCALNRANKS'];

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
  const started = numberOf(SIZE_VARIABLES) ?? mpi.size;
  if (started !== mpi.size) {
    throw new GroupError(
      `mpirun has started ${started} processes, of which ${mpi.name} sees ${mpi.size}: ` +
        `name the library that belongs to this mpirun in ${LIBRARY_VARIABLE}`,
    );
  }
  const transport = new MpiTransport(mpi, {
    timeoutMs,
    localSize: ranksHere() ?? mpi.size,
    connections,
  });
  process.once('exit', (code) => transport.abortUnlessClosed(code));
  const group = new Collectives(transport);
  transport.neighbours = findNeighbours(group);
  return group;
}

/** Whether mpirun has started this process as one of several. */
export function startedByMpirun(): boolean {
  return (numberOf(SIZE_VARIABLES) ?? 1) > 1;
}

/** The ranks that mpirun has started on this machine; undefined where it does not tell. */
export function ranksHere(): number | undefined {
  return numberOf(LOCAL_SIZE_VARIABLES);
}

function numberOf(variables: readonly string[]): number | undefined {
  const value = variables.map((name) => process.env[name]).find((text) => text !== undefined);
  return value === undefined ? undefined : Number(value);
}
