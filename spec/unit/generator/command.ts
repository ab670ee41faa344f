import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import type { ExecutionContext } from 'ava';
import { run } from '../../../generator/program.ts';
import { promptCases } from '../../../verify/cases/prompt-cases.ts';
import { type Ended, ended, startNode } from '../../support/processes/processes.ts';
import { FakeOutput } from '../engine/cli/support.ts';

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

/** Runs `plumbline-goldens` in this process, which loads the reference once, and without CI likewise. */
export async function runGoldensHere(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const [stdout, stderr] = [new FakeOutput(), new FakeOutput()];
  const exitCode = await run(args, {
    ...{ stdout, stderr, signals: new EventEmitter(), promptCases },
    env: { ...process.env, CI: undefined, ...env },
    exit: (exitCode) => {
      throw new Error(`the command ended its process with ${exitCode}`);
    },
  });
  return { exitCode, out: stdout.text, err: stderr.text };
}
