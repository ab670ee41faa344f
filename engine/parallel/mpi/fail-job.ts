import { Worker } from 'node:worker_threads';
import { siblingModule } from '../../terminal/sibling-module.ts';
import { hasJoined, joinMpi } from './join.ts';
import { startedByMpirun } from './mpirun.ts';

/** How long the other ranks may take to join and receive the failure, in ms. */
const DEADLINE_MS = 5000;

/**
 * Ends the ranks of an mpirun whose process ends with an error before it has joined the group; otherwise
 * they would wait for it without a limit, because not every mpirun reacts to an exit code of such a process.
 * This process joins the group to send the reason, and MPI ends the others with it. If they do not join in
 * time, it ends by SIGKILL, to which every mpirun reacts. Does nothing in a process that mpirun has not
 * started.
 *
 * @param reason why this process ends; sent to the other ranks.
 */
export async function failJob(reason: string): Promise<void> {
  if (!startedByMpirun() || hasJoined()) return;
  // Joining blocks the main thread until all ranks have joined.
  const deadline = new Worker(siblingModule('./deadline.ts', import.meta.url), { workerData: DEADLINE_MS });
  try {
    const group = await joinMpi();
    group.abort(reason);
  } catch {
    // Joining fails, or the group is aborted as intended; the caller has already printed its error.
  }
  if (hasJoined()) await deadline.terminate();
  else process.kill(process.pid, 'SIGKILL');
}
