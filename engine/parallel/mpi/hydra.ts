import { readSync, writeSync } from 'node:fs';

/**
 * Variables that Hydra, MPICH's mpirun, sets: the descriptor of its PMI connection, and the number of local
 * ranks.
 */
const DESCRIPTOR_VARIABLE = 'PMI_FD';
const LOCAL_SIZE_VARIABLE = 'MPI_LOCALNRANKS';

/** PMI-1's command of a process that ends without an error. */
const FINALIZE = 'cmd=finalize\n';

/**
 * Whether MPI_Finalize may never return between hosts: before 4.2, MPICH over UCX disconnects and then waits
 * in the launcher's barrier, where a rank does not answer ranks that have yet to disconnect (MPICH's pull
 * request 6596).
 *
 * @param version as MPI_Get_library_version returns it.
 * @param environment of this process.
 */
export function finalizeHangs(version: string, environment: NodeJS.ProcessEnv): boolean {
  const [, major, minor] = /MPICH Version:\s*(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) !== 4 || Number(minor) >= 2) return false;
  return DESCRIPTOR_VARIABLE in environment && LOCAL_SIZE_VARIABLE in environment;
}

/** Sends Hydra the command that MPI_Finalize sends last: this process ends without an error. */
export function leaveHydra(environment: NodeJS.ProcessEnv = process.env): void {
  const descriptor = Number(environment[DESCRIPTOR_VARIABLE]);
  writeSync(descriptor, FINALIZE);
  // Hydra's answer is one short line.
  readSync(descriptor, new Uint8Array(FINALIZE.length * 4));
}
