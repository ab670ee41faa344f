import type { ChildProcess } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { type Ended, ended, startNode } from '../../support/processes/processes.ts';

/**
 * Starts `plumbline-goldens` as a process without CI in its environment. It is killed after the test.
 */
export function startGoldens(
  t: Pick<ExecutionContext, 'teardown'>,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  const child = startNode('generator/cli.ts', args, { env: { CI: undefined, ...env } });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

/** Runs `plumbline-goldens` to its end. */
export function runGoldens(...start: Parameters<typeof startGoldens>): Promise<Ended> {
  return ended(startGoldens(...start));
}
