import { Command, CommanderError } from 'commander';
import { escapeControls, Interrupted, UsageError } from '../errors.ts';
import { describeError } from './describe-error.ts';
import { formatDiagnostic } from './diagnostic.ts';
import type { Output } from './output.ts';
import { readPackageJson } from './package-json.ts';

/** What {@link runCommand} takes. */
export interface RunCommandOptions {
  /** What the user types; errors begin with it. */
  name: string;
  /**
   * Adds description, options, commands and actions to the program, which has `--debug`, `--version` and
   * `--help`.
   *
   * @param setExitCode for actions that end in order with another exit code than 0.
   */
  define(program: Command, setExitCode: (exitCode: number) => void): void;
  /** The arguments after the command's name. */
  argv: readonly string[];
  stdout: Output;
  stderr: Output;
  /** Printed before the name in errors. Default: nothing. */
  errorPrefix?: string;
  /** The exit code of errors that are no wrong usage. Default 1. */
  failureCode?: number;
  /** Called if the exit code is not 0 because of an error, after its message is printed. */
  onFailure?(error: unknown): Promise<void>;
}

/**
 * Parses the arguments of a command and runs its action. Errors are printed to standard error in one line;
 * `--debug` adds the stack trace.
 *
 * @returns the exit code: the one that the action has set, or 0; 2 for wrong usage, 130 and 143 after SIGINT
 * and SIGTERM, `failureCode` for any other error.
 */
export async function runCommand(options: RunCommandOptions): Promise<number> {
  const { name, define, argv, stdout, stderr, errorPrefix = '', failureCode = 1, onFailure } = options;
  const start = `${errorPrefix}${name}: `;
  const program = new Command(name)
    .version(readPackageJson().version)
    .option('--debug', 'print stack traces of errors')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(wrapProse(text, stdout.columns)),
      writeErr: (text) => stderr.write(text),
      // Commander quotes what the user gave.
      outputError: (text, write) => write(escapeControls(text.replace(/^error: /, start))),
    });
  let exitCode = 0;
  // Commands inherit the settings above as they are added, so these come first.
  define(program, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message or the help.
    const isPrinted = error instanceof CommanderError || error instanceof Interrupted;
    if (!isPrinted) {
      const message = describeError(error, program.opts().debug);
      stderr.write(formatDiagnostic({ level: 'error', message, prefix: start }));
    }
    const failed = exitCodeOf(error, failureCode);
    if (failed > 0) await onFailure?.(error);
    return failed;
  }
}

function exitCodeOf(error: unknown, failureCode: number): number {
  if (error instanceof Interrupted) return error.exitCode;
  // Commander ends --help and --version with an error of exit code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof UsageError ? 2 : failureCode;
}

/**
 * Wraps the lines of a help text that are wider than the terminal. Indented lines stay: options are wrapped
 * already, and an example is to be copied.
 *
 * @param columns of the terminal; undefined if the output is no terminal.
 */
function wrapProse(text: string, columns: number | undefined): string {
  if (!columns) return text;
  return text
    .split('\n')
    .map((line) => (line.length > columns && /^\S/.test(line) ? wrapLine(line, columns) : line))
    .join('\n');
}

function wrapLine(line: string, columns: number): string {
  let column = 0;
  const words = line.split(' ').map((word, i) => {
    const fits = column + 1 + word.length <= columns;
    column = i > 0 && fits ? column + 1 + word.length : word.length;
    return i === 0 ? word : `${fits ? ' ' : '\n'}${word}`;
  });
  return words.join('');
}
