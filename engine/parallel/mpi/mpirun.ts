import type { Backend } from '../../options.ts';

/** Variables with the number of ranks: Open MPI's, then MPICH's. */
const SIZE_VARIABLES = ['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE'];
/** Variables with the rank of the process. */
const RANK_VARIABLES = ['OMPI_COMM_WORLD_RANK', 'PMI_RANK'];
/** Variables with the number of ranks on this machine. */
const LOCAL_SIZE_VARIABLES = ['OMPI_COMM_WORLD_LOCAL_SIZE', 'MPI_LOCALNRANKS'];

/**
 * What mpirun sets in the environment of a process that it starts; undefined where a variable is missing.
 */
export interface MpirunEnvironment {
  readonly size: number | undefined;
  readonly rank: number | undefined;
  readonly localSize: number | undefined;
}

/** Reads what mpirun has set. @param environment Default: of this process. */
export function mpirunEnvironment(environment: NodeJS.ProcessEnv = process.env): MpirunEnvironment {
  const numberOf = (variables: readonly string[]) => {
    const value = variables.map((name) => environment[name]).find((text) => text !== undefined);
    return value === undefined ? undefined : Number(value);
  };
  return {
    size: numberOf(SIZE_VARIABLES),
    rank: numberOf(RANK_VARIABLES),
    localSize: numberOf(LOCAL_SIZE_VARIABLES),
  };
}

/** Whether mpirun has started a process as one of several. @param environment Default: of this process. */
export function startedByMpirun(environment?: NodeJS.ProcessEnv): boolean {
  return (mpirunEnvironment(environment).size ?? 1) > 1;
}

/**
 * Whether the ranks of an engine are processes that mpirun has started.
 *
 * @param environment Default: of this process.
 */
export function hasMpiRanks(
  { numRanks, backend }: { numRanks: number; backend?: Backend | undefined },
  environment?: NodeJS.ProcessEnv,
): boolean {
  return backend ? backend === 'mpi' : numRanks > 1 && startedByMpirun(environment);
}

/**
 * "[rank 1] " for the start of a line, in a process that mpirun has started as one of several; otherwise
 * empty.
 */
export function rankTag(environment?: NodeJS.ProcessEnv): string {
  return startedByMpirun(environment) ? `[rank ${mpirunEnvironment(environment).rank}] ` : '';
}
