import type { Command } from 'commander';
import { PlumblineError, UsageError } from '../engine/errors.ts';

/**
 * Parses the arguments of a command and runs it. What it fails with is told on the standard error.
 *
 * @param program with `exitOverride`, so that wrong usage and `--help` come back here.
 * @param args as `process.argv` has them. Default: these.
 * @returns the exit code: that of `run`, 0 after help, 2 for wrong usage, 1 for any other error.
 */
export async function runCommand<Options extends { debug?: boolean }>(
  program: Command,
  run: (options: Options) => Promise<number>,
  args: readonly string[] = process.argv,
): Promise<number> {
  try {
    program.parse(args);
    return await run(program.opts<Options>());
  } catch (error) {
    // Commander has printed its message or its help.
    if (error instanceof Error && 'exitCode' in error) return error.exitCode === 0 ? 0 : 2;
    const { debug } = program.opts<Options>();
    process.stderr.write(`${program.name()}: ${explain(error as Error, debug)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** An error of ours says what to do about it; one that is not ours is a bug, and its class may help to find it. */
function explain(error: Error, debug = false): string | undefined {
  if (debug) return error.stack;
  return error instanceof PlumblineError ? error.message : `unexpected ${error}; --debug shows where`;
}
