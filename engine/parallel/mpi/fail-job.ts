import { Worker } from 'node:worker_threads';
import { siblingModule } from '../../terminal/sibling-module.ts';
import { hasJoined, joinMpi } from './join.ts';
import { startedByMpirun } from './mpirun.ts';

/** How long the others may take to come and hear of it, in ms. */
const DEADLINE_MS = 5000;

/**
 * To be called by a process that ends with an error: if mpirun has started it and it has not joined the others yet, they
 * would wait for it for ever, for not every mpirun minds how such a process ends. So it joins them to say why, and MPI
 * ends them with this process. Where they do not come to hear of it, it ends by a signal, which no mpirun overlooks.
 */
export async function failJob(reason: string): Promise<void> {
  if (!startedByMpirun() || hasJoined()) return;
  // Joining blocks the main thread until all have come.
  const deadline = new Worker(siblingModule('./deadline.ts', import.meta.url), { workerData: DEADLINE_MS });
  try {
    const group = await joinMpi();
    group.abort(reason);
  } catch {
    // What this process has to say has been said: there is nothing but to end.
  }
  if (hasJoined()) await deadline.terminate();
  else process.kill(process.pid, 'SIGKILL');
}
