import { runCommand } from '../engine/terminal/command.ts';
import type { CommandIo } from './command-io.ts';
import { defineInspect } from './inspect-command.ts';
import { defineJudge } from './judge-command.ts';
import { defineReports } from './report-commands.ts';
import { defineSmoke } from './smoke-command.ts';

/**
 * Runs the command line of the judge.
 *
 * @param argv the arguments after the program's name.
 * @returns the exit code: 0 right, 1 wrong, 2 wrong usage, 3 nothing could be concluded, also because of an
 * error such as an unreadable model, 130 and 143 ended by a signal.
 */
export function run(argv: readonly string[], io: CommandIo): Promise<number> {
  const { stdout, stderr } = io;
  return runCommand({
    name: 'plumbline-verify',
    define(program, setExitCode) {
      defineJudge(program, io, setExitCode);
      defineReports(program, stdout, setExitCode);
      defineSmoke(program, io, setExitCode);
      defineInspect(program, io, setExitCode);
    },
    // 1 is the verdict that an engine is wrong, or worse than it was.
    ...{ argv, stdout, stderr, failureCode: 3 },
  });
}
