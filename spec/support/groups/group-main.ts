import { launch } from '../../../engine/parallel/fork/launch.ts';
import { joinMpi } from '../../../engine/parallel/mpi/join.ts';
import type { ProcessGroup } from '../../../engine/parallel/process-group.ts';
import scenario, { type Scenario } from './group-scenarios.ts';

/**
 * A program of many ranks: `group-main.ts fork|mpi SIZE SCENARIO-JSON TIMEOUT-MS`. With "fork" it launches
 * the other ranks itself, with "mpi" mpirun has started it as one of them. Each line that it prints begins
 * with its rank.
 */
const [backend, size, json, timeout] = process.argv.slice(2);
const argument = JSON.parse(json) as Scenario;
const timeoutMs = Number(timeout);
const entry = new URL('./group-scenarios.ts', import.meta.url);

let group: ProcessGroup | undefined;
try {
  group =
    backend === 'fork'
      ? await launch(Number(size), entry, { argument, timeoutMs })
      : await joinMpi({ timeoutMs });
  try {
    await scenario(group, argument);
  } finally {
    await group.close();
  }
} catch (error) {
  process.stderr.write(`[rank ${group?.rank ?? 0}] ${String(error)}\n`);
  process.exitCode = 1;
}
