import { fstatSync, readSync, writeSync } from 'node:fs';
import { GroupError } from '../../errors.ts';

/**
 * Variables that Hydra, MPICH's mpirun, sets: the descriptor of its PMI connection, and the number of local
 * ranks.
 */
const DESCRIPTOR_VARIABLE = 'PMI_FD';
const LOCAL_SIZE_VARIABLE = 'MPI_LOCALNRANKS';

/** PMI-1's command of a process that ends without an error. */
const FINALIZE = 'cmd=finalize\n';

/**
 * Checks the connection to Hydra before MPI_Init, which ends the process with a segmentation fault, or hangs,
 * without it. npx and npm start their command without the descriptors that mpirun has opened for it.
 *
 * @throws GroupError if the connection is not open in this process.
 */
export function checkHydra(environment: NodeJS.ProcessEnv = process.env): void {
  const descriptor = environment[DESCRIPTOR_VARIABLE];
  if (descriptor === undefined || isSocket(Number(descriptor))) return;
  throw new GroupError(
    `mpirun's socket, file descriptor ${descriptor} (${DESCRIPTOR_VARIABLE}), is not open in this process: start it ` +
      'without npx or npm, which do not pass it on: mpirun -n 2 node_modules/.bin/plumbline …',
  );
}

function isSocket(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isSocket();
  } catch {
    return false;
  }
}

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
