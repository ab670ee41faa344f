import { availableParallelism } from 'node:os';
import { GroupError } from '../errors.ts';
import { joinMpi } from '../parallel/mpi/join.ts';
import { mpirunEnvironment, startedByMpirun } from '../parallel/mpi/mpirun.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import { singleProcessGroup } from '../parallel/single-process-group.ts';
import type { Backend } from '../serving/requests.ts';
import { siblingModule } from '../terminal/sibling-module.ts';
import { tellFailure } from './leader.ts';

export interface GroupOptions {
  /** Ranks. */
  size: number;
  /** Default: MPI if mpirun has started this process and there is more than one rank. */
  backend?: Backend;
  /** See `EngineOptions.groupTimeoutMs`. */
  timeoutMs?: number;
}

/** A group, and what this rank has found when it checked what it is to load. */
export interface OpenGroup<T> {
  readonly group: ProcessGroup;
  readonly checked: T;
}

/**
 * Starts the other ranks of an engine once a check has passed, or joins those that mpirun has started, of which each
 * makes the check, and hears of it if another's fails.
 *
 * @throws GroupError if they do not start, or mpirun has started another number of them; what `check` throws.
 */
export async function openGroup<T>(
  modelDir: string,
  { size, backend, timeoutMs }: GroupOptions,
  check: () => Promise<T>,
): Promise<OpenGroup<T>> {
  if (isMpi({ size, backend })) {
    // Before anything that can fail here alone: the others would wait for ever for a rank that does not join them.
    const group = await joinMpi({ timeoutMs });
    if (group.size !== size) {
      await group.close();
      throw new GroupError(
        `mpirun has started ${group.size} processes, and the model is spread over ${size} (the larger of tp and ep): ` +
          `start it with -n ${size}`,
      );
    }
    try {
      return { group, checked: await check() };
    } catch (error) {
      tellFailure(group, error);
      throw error;
    }
  }
  const checked = await check();
  if (size === 1) return { group: singleProcessGroup(), checked };
  const { launch } = await import('../parallel/fork/launch.ts');
  const argument = { modelDir };
  const group = await launch(size, siblingModule('./rank-main.ts', import.meta.url), { argument, timeoutMs });
  return { group, checked };
}

/** Threads for one of the ranks: what this machine runs at once, shared out among those of them that it has. */
export function shareOfThreads(options: Pick<GroupOptions, 'size' | 'backend'>): number {
  const ranks = isMpi(options) ? (mpirunEnvironment().localSize ?? options.size) : options.size;
  return Math.max(1, Math.floor(availableParallelism() / ranks));
}

function isMpi({ size, backend }: Pick<GroupOptions, 'size' | 'backend'>): boolean {
  return backend ? backend === 'mpi' : size > 1 && startedByMpirun();
}
