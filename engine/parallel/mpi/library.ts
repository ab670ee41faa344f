import { GroupError } from '../../errors.ts';
import type { SetOption } from './connections.ts';

/** Variable with the path of the MPI library to use in place of the usual ones. */
export const LIBRARY_VARIABLE = 'PLUMBLINE_MPI_LIBRARY';

const MPICH = ['libmpich.so.12', 'libmpi.so.12', 'libmpi.12.dylib'];
const OPEN_MPI = ['libmpi.so.40', 'libmpi.40.dylib'];

/** A library opened by koffi. */
export interface Library {
  func(prototype: string): (...args: unknown[]) => unknown;
  symbol(name: string): unknown;
}

/** Opens a library by name or path. @throws Error if it does not exist. */
export type LoadLibrary = (path: string) => Library;

/**
 * Imports koffi, which calls C functions. It is an optional dependency.
 *
 * @throws GroupError if it is not installed.
 */
export async function importKoffi(name = 'koffi'): Promise<LoadLibrary> {
  try {
    const { default: koffi } = (await import(name)) as typeof import('koffi');
    // Open MPI's plug-ins need its symbols to be global.
    return (path) => koffi.load(path, { global: true });
  } catch (cause) {
    throw new GroupError(
      `Cannot import ${name}, through which MPI is called; install it: npm install ${name}`,
      [],
      { cause },
    );
  }
}

/**
 * Names of the libraries to try; those of the mpirun that started this process come first.
 *
 * @param environment of this process.
 */
export function candidates(environment: NodeJS.ProcessEnv): string[] {
  const named = environment[LIBRARY_VARIABLE];
  if (named) return [named];
  return 'OMPI_COMM_WORLD_SIZE' in environment ? [...OPEN_MPI, ...MPICH] : [...MPICH, ...OPEN_MPI];
}

/**
 * Opens the first library that exists.
 *
 * @throws GroupError if none does; it names the packages to install.
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
    `Cannot open an MPI library (${reasons.join('; ')}); install MPICH or Open MPI ` +
      `(apt install mpich, or openmpi-bin), or set ${LIBRARY_VARIABLE} to the library's path`,
  );
}

/** The C library's setsockopt for an int; found through the MPI library, which links to the C library. */
export function socketOptions(library: Library): SetOption {
  const setsockopt = library.func('int setsockopt(int, int, int, void *, unsigned int)');
  // It fails for a socket that has just been closed, which the next poll of the connections finds.
  return (descriptor, level, option, value) => {
    const bytes = Int32Array.of(value);
    setsockopt(descriptor, level, option, bytes, bytes.byteLength);
  };
}
