import { split } from 'shlex';
import { UsageError } from '../../../engine/errors.ts';

/**
 * The program and its arguments.
 *
 * @param command a list, or one text that is split as a shell would split it. There are no variables, globs
 * or pipes.
 * @throws UsageError if a quote is open, or there is no program.
 */
export function parseCommand(command: string | readonly string[]): readonly string[] {
  const argv = typeof command === 'string' ? splitCommand(command) : command;
  if (argv.length === 0 || argv[0] === '') {
    throw new UsageError(
      'give a program and its arguments, such as "python3 engine.py"; the command is empty',
    );
  }
  return argv;
}

function splitCommand(command: string): string[] {
  try {
    return split(command);
  } catch (cause) {
    const { message } = cause as Error;
    throw new UsageError(`cannot split the command ${JSON.stringify(command)}: ${message}`, { cause });
  }
}
