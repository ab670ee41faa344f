import { availableParallelism } from 'node:os';
import { GroupError } from './errors.ts';
import { aloneGroup } from './parallel/alone.ts';
import { joinMpi, ranksHere, startedByMpirun } from './parallel/mpi/join.ts';
import type { ProcessGroup } from './parallel/process-group.ts';
import type { Backend } from './requests.ts';

export interface GroupOptions {
  /** Ranks. */
  size: number;
  /** Default: MPI if mpirun has started this process and there is more than one rank. */
  backend?: Backend;
  /** See `EngineOptions.groupTimeoutMs`. */
  timeoutMs?: number;
}

/**
 * Starts the other ranks of an engine, or joins those that mpirun has started.
 *
 * @throws GroupError if they do not start, or mpirun has started another number of them.
 */
export async function openGroup(
  modelDir: string,
  { size, backend, timeoutMs }: GroupOptions,
): Promise<ProcessGroup> {
  if (isMpi({ size, backend })) {
    const group = await joinMpi({ timeoutMs });
    if (group.size === size) return group;
    await group.close();
    throw new GroupError(
      `mpirun has started ${group.size} processes, and the model is spread over ${size} (the larger of tp and ep): ` +
        `start it with -n ${size}`,
    );
  }
  if (size === 1) return aloneGroup();
  const { launch } = await import('./parallel/fork/launch.ts');
  const argument = { modelDir };
  return await launch(size, new URL('./rank-main.ts', import.meta.url), { argument, timeoutMs });
}

/** Threads for one of the ranks: what this machine runs at once, shared out among those of them that it has. */
export function shareOfThreads(options: Pick<GroupOptions, 'size' | 'backend'>): number {
  const ranks = isMpi(options) ? (ranksHere() ?? options.size) : options.size;
  return Math.max(1, Math.floor(availableParallelism() / ranks));
}

function isMpi({ size, backend }: Pick<GroupOptions, 'size' | 'backend'>): boolean {
  return backend ? backend === 'mpi' : size > 1 && startedByMpirun();
}
