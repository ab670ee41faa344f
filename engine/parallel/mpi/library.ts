import { GroupError } from '../../errors.ts';
import type { SetOption } from './connections.ts';

/** Names the MPI library where none of the usual ones is found, or not the right one. */
export const LIBRARY_VARIABLE = 'PLUMBLINE_MPI_LIBRARY';

const MPICH = ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib'];
const OPEN_MPI = ['libmpi.so.40', 'libmpi.40.dylib'];

/** What this code needs of koffi. */
export interface Library {
  func(prototype: string): (...args: unknown[]) => unknown;
  symbol(name: string): unknown;
}

/** Opens a library by name or path. @throws Error if there is none. */
export type LoadLibrary = (path: string) => Library;

/**
 * Finds koffi, which calls C functions.
 *
 * @throws GroupError if it is not installed: it is an optional dependency.
 */
export async function importKoffi(name = 'koffi'): Promise<LoadLibrary> {
  try {
    const { default: koffi } = (await import(name)) as typeof import('koffi');
    // Open MPI's own plug-ins look for its symbols among the global ones.
    return (path) => koffi.load(path, { global: true });
  } catch (cause) {
    throw new GroupError(`MPI is called through the package ${name}: npm install ${name}`, [], { cause });
  }
}

/**
 * The libraries to try: those that fit the mpirun that started this process come first.
 *
 * @param environment of this process.
 */
export function candidates(environment: NodeJS.ProcessEnv): string[] {
  const named = environment[LIBRARY_VARIABLE];
  if (named) return [named];
  return 'OMPI_COMM_WORLD_SIZE' in environment ? [...OPEN_MPI, ...MPICH] : [...MPICH, ...OPEN_MPI];
}

/**
 * Opens the first library that there is.
 *
 * @throws GroupError if there is none, with the packages that have one.
 */
export function findLibrary(load: LoadLibrary, environment: NodeJS.ProcessEnv): Library {
  const names = candidates(environment);
  const reasons: string[] = [];
  for (const name of names) {
    try {
      return load(name);
    } catch (error) {
      reasons.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw new GroupError(
    `No MPI library could be opened (${reasons.join('; ')}): install MPICH or Open MPI ` +
      `(apt install mpich, or openmpi-bin), or name the library in ${LIBRARY_VARIABLE}`,
  );
}

/** The C library's setsockopt for a whole number; MPI's library leads to it, on which it depends. */
export function socketOptions(library: Library): SetOption {
  const setsockopt = library.func('int setsockopt(int, int, int, void *, unsigned int)');
  // It fails for a socket that has just been closed, which shows in another way.
  return (descriptor, level, option, value) => {
    const bytes = Int32Array.of(value);
    setsockopt(descriptor, level, option, bytes, bytes.byteLength);
  };
}
