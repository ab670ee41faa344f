/** How launchers tell a process the number of ranks: Open MPI's, then MPICH's. */
const SIZE_VARIABLES = ['OMPI_COMM_WORLD_SIZE', 'PMI_SIZE'];
/** The same for its own rank. */
const RANK_VARIABLES = ['OMPI_COMM_WORLD_RANK', 'PMI_RANK'];
/** The same for the number of ranks on this machine. */
const LOCAL_SIZE_VARIABLES = ['OMPI_COMM_WORLD_LOCAL_SIZE', 'MPI_LOCALNRANKS'];

/** What `mpirun` has told a process that it started. */
export interface Started {
  /** Undefined where it says nothing; so are the others. */
  readonly size: number | undefined;
  readonly rank: number | undefined;
  readonly localSize: number | undefined;
}

/** @param environment Default: of this process. */
export function toldByMpirun(environment: NodeJS.ProcessEnv = process.env): Started {
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
  return (toldByMpirun(environment).size ?? 1) > 1;
}

/** What stands in front of a line by which ranks are told apart; nothing where there is one process. */
export function rankTag(environment?: NodeJS.ProcessEnv): string {
  return startedByMpirun(environment) ? `[rank ${toldByMpirun(environment).rank}] ` : '';
}
