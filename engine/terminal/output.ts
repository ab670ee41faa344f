import { formatDiagnostic } from './diagnostic.ts';

/** A stream that a command writes text to. */
export interface Output {
  write(text: string): unknown;
  /** Whether the stream is a terminal. */
  readonly isTTY?: boolean;
  /** Characters in a line of the terminal. */
  readonly columns?: number;
}

/** The part of `process` that {@link exitOnOutputError} uses. */
export interface OutputProcess {
  readonly stdout: Pick<NodeJS.EventEmitter, 'on'>;
  readonly stderr: Output & Pick<NodeJS.EventEmitter, 'on'>;
  exit(code?: number): void;
}

/**
 * Ends the process when its standard output cannot be written. A reader that closes the pipe early, as
 * `head` does, is no failure; any other error is one line on standard error and exit code 1. If standard
 * error cannot be written, the command goes on to its own exit code: there is nowhere left to say it.
 *
 * @param name of the command.
 */
export function exitOnOutputError(name: string, host: OutputProcess = process): void {
  host.stderr.on('error', () => {});
  host.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return host.exit();
    const message = `cannot write to standard output (${error.code})`;
    host.stderr.write(formatDiagnostic({ level: 'error', message, prefix: `${name}: ` }));
    host.exit(1);
  });
}
