import { launch } from '../../../engine/parallel/fork/launch.ts';
import { joinMpi } from '../../../engine/parallel/mpi/join.ts';
import run, { type Task } from './tasks.ts';

/**
 * A program of many ranks: `main.ts fork|mpi SIZE TASK-JSON`. With "fork" it launches the other ranks
 * itself, with "mpi" mpirun has started it as one of them. Rank 0 prints the result as a line of JSON.
 */
const [backend, size, json] = process.argv.slice(2);
const argument = JSON.parse(json) as Task;
/** Long, so that a busy machine does not fail the group. */
const timeoutMs = 60_000;

const group =
  backend === 'fork'
    ? await launch(Number(size), new URL('./tasks.ts', import.meta.url), { argument, timeoutMs })
    : await joinMpi({ timeoutMs });
try {
  const result = await run(group, argument);
  if (group.rank === 0) process.stdout.write(`${JSON.stringify({ result })}\n`);
} finally {
  await group.close();
}
