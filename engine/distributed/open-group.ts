import { availableParallelism } from 'node:os';
import { GroupError } from '../errors.ts';
import type { ParallelOptions } from '../options.ts';
import { joinMpi } from '../parallel/mpi/join.ts';
import { hasMpiRanks, mpirunEnvironment } from '../parallel/mpi/mpirun.ts';
import type { ProcessGroup } from '../parallel/process-group.ts';
import { singleProcessGroup } from '../parallel/single-process-group.ts';
import { describeShortage } from '../terminal/shortage.ts';
import { siblingModule } from '../terminal/sibling-module.ts';
import { sendFailure } from './failure.ts';

/** What decides how the ranks are started. */
export type GroupOptions = Pick<ParallelOptions, 'numRanks'> &
  Partial<Pick<ParallelOptions, 'backend' | 'groupTimeoutMs'>>;

/** The program of a rank that the engine starts. */
const RANK_MAIN = siblingModule('./rank-main.ts', import.meta.url);

/** A group, and what the check on this rank returned. */
export interface OpenGroup<T> {
  readonly group: ProcessGroup;
  readonly checked: T;
}

/**
 * Starts the other ranks of an engine once a check has passed. Ranks that mpirun has started are joined
 * first; then each of them makes the check, and all of them fail if one does.
 *
 * @throws GroupError if the ranks do not start, or mpirun has started another number of them; what `check`
 * throws.
 */
export async function openGroup<T>(
  modelDir: string,
  { numRanks, backend, groupTimeoutMs: timeoutMs }: GroupOptions,
  check: () => Promise<T>,
): Promise<OpenGroup<T>> {
  if (hasMpiRanks({ numRanks, backend })) {
    // Before the check: the other ranks would wait for ever for a rank that fails before it joins.
    const group = await joinMpi({ timeoutMs });
    if (group.size !== numRanks) {
      await group.close();
      throw new GroupError(
        `mpirun has started ${group.size} processes; expected ${numRanks}, the larger of tp and ep: start it with ` +
          `-n ${numRanks}`,
      );
    }
    try {
      return { group, checked: await check() };
    } catch (error) {
      sendFailure(group, error);
      throw error;
    }
  }
  const checked = await check();
  if (numRanks === 1) return { group: singleProcessGroup(), checked };
  const { launch } = await importLaunch(numRanks);
  return { group: await launch(numRanks, RANK_MAIN, { argument: { modelDir }, timeoutMs }), checked };
}

/** A single process does not need it. @throws GroupError if it cannot be read. */
async function importLaunch(numRanks: number): Promise<typeof import('../parallel/fork/launch.ts')> {
  try {
    return await import('../parallel/fork/launch.ts');
  } catch (cause) {
    throw new GroupError(`cannot start ${numRanks} ranks: ${describeShortage(cause)}`, [], { cause });
  }
}

/** Threads of each rank: what this machine runs at once, divided by the number of ranks on it. */
export function shareOfThreads(options: Pick<GroupOptions, 'numRanks' | 'backend'>): number {
  const ranks = hasMpiRanks(options) ? (mpirunEnvironment().localSize ?? options.numRanks) : options.numRanks;
  return Math.max(1, Math.floor(availableParallelism() / ranks));
}
