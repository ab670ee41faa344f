import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The `plumbline` command. */
export const CLI_PATH = fileURLToPath(new URL('../../../engine/cli.ts', import.meta.url));

/** Exit code and output of a child process. */
export interface Ended {
  exitCode: number | null;
  out: string;
  err: string;
}

/** Options of {@link startNode}. `env` is added to this process's environment. */
export interface StartOptions {
  /** Default: no input, standard output and error as pipes. */
  stdio?: StdioOptions;
  env?: NodeJS.ProcessEnv;
  /** Flags of Node. */
  nodeArgs?: readonly string[];
}

/** Starts a file with this version of Node, in the project's folder. */
export function startNode(file: string, argv: readonly string[], options: StartOptions = {}): ChildProcess {
  const { stdio = ['ignore', 'pipe', 'pipe'], env, nodeArgs = [] } = options;
  return spawn(process.execPath, [...nodeArgs, file, ...argv], {
    cwd: ROOT,
    stdio,
    env: { ...process.env, ...env },
  });
}

/**
 * Waits until a process has ended and all its output has arrived.
 *
 * @param readsOut whether to read standard output.
 */
export async function ended(child: ChildProcess, readsOut = true): Promise<Ended> {
  const [out, err, [exitCode]] = await Promise.all([
    child.stdout && readsOut ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'close'),
  ]);
  return { exitCode, out, err };
}

/** Starts the `plumbline` command as a process. */
export function startCli(argv: readonly string[], stdio?: StdioOptions): ChildProcess {
  return startNode(CLI_PATH, argv, { stdio });
}

/** Runs the `plumbline` command as a process. */
export function runCli(...argv: string[]): Promise<Ended> {
  return ended(startCli(argv));
}
