import { readSync, writeSync } from 'node:fs';

/** What of a process is known to Hydra, MPICH's mpirun: a descriptor to talk to it, and how many run on this host. */
const DESCRIPTOR_VARIABLE = 'PMI_FD';
const HYDRA_VARIABLE = 'MPI_LOCALNRANKS';

/** The words for a process that leaves in good order, in PMI-1, which Hydra and MPICH speak. */
const FAREWELL = 'cmd=finalize\n';

/**
 * Whether MPI_Finalize may never return between hosts: before 4.2, MPICH over UCX disconnects and then waits for the
 * launcher's barrier, in which a rank does not answer those that are still to disconnect (MPICH's pull request 6596).
 *
 * @param version of the library, as it tells it.
 * @param environment of this process.
 */
export function finalizeHangs(version: string, environment: NodeJS.ProcessEnv): boolean {
  const [, major, minor] = /MPICH Version:\s*(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) !== 4 || Number(minor) >= 2) return false;
  return DESCRIPTOR_VARIABLE in environment && HYDRA_VARIABLE in environment;
}

/** Tells Hydra that this process ends in good order, which MPI_Finalize does last. */
export function leaveHydra(environment: NodeJS.ProcessEnv = process.env): void {
  const descriptor = Number(environment[DESCRIPTOR_VARIABLE]);
  writeSync(descriptor, FAREWELL);
  // Its answer is one short line.
  readSync(descriptor, new Uint8Array(FAREWELL.length * 4));
}
