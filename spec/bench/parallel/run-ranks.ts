import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporary } from '../../../engine/terminal/temporary.ts';
import { type Backend, GroupRun, launcherOf } from '../../support/groups/groups.ts';
import type { CollectivesTask, CollectiveTimes } from './collective-times.ts';
import type { TrafficTask } from './step-traffic.ts';
import type { Task } from './tasks.ts';

/** Backends that need an installed MPI. */
export const MPIS = ['MPICH', 'Open MPI'] as const;
/** Debian's packages of them. */
export const MPI_PACKAGES = { MPICH: 'mpich', 'Open MPI': 'openmpi-bin' } as const;

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** Times collectives of a new group. @throws Error with the output of its ranks. */
export async function runCollectives(
  backend: Backend,
  size: number,
  task: CollectivesTask,
): Promise<CollectiveTimes[]> {
  return (await runRanks(backend, size, task)) as CollectiveTimes[];
}

/**
 * Counts the bytes that the ranks of a new group send for steps of a model.
 *
 * @returns bytes sent for each step, by rank.
 * @throws Error with the output of its ranks.
 */
export async function runTraffic(size: number, task: TrafficTask): Promise<number[][]> {
  return (await runRanks('fork', size, task)) as number[][];
}

async function runRanks(backend: Backend, size: number, task: Task): Promise<unknown> {
  const folder = temporary(mkdtempSync(join(tmpdir(), 'plumbline-bench-')));
  const args = [MAIN, backend === 'fork' ? 'fork' : 'mpi', String(size), JSON.stringify(task)];
  const [command, ...rest] =
    backend === 'fork'
      ? [process.execPath, ...args]
      : [launcherOf(backend) ?? 'mpirun', '-n', String(size), process.execPath, ...args];
  const run = new GroupRun(command, rest, folder.path);
  // The other ranks end with the process that started them.
  const end = () => run.pid > 0 && process.kill(run.pid, 'SIGTERM');
  process.once('exit', end);
  try {
    const { exitCode } = await run.end();
    const line = run.lines.find((text) => text.startsWith('{"result":'));
    if (exitCode !== 0 || line === undefined) {
      throw new Error(`${size} ranks over ${backend} ended with ${exitCode}: ${run.log.slice(-2000)}`);
    }
    return JSON.parse(line).result;
  } finally {
    process.off('exit', end);
    await run.killAll();
    folder.remove();
  }
}
