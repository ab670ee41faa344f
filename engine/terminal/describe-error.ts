import { inspect } from 'node:util';
import { PlumblineError } from '../errors.ts';

/**
 * What a command prints of an error. The message of a PlumblineError says what to do; any other error is a
 * bug, and its class helps to find it.
 *
 * @param debug whether the stack trace is printed, and the error's causes.
 */
export function describeError(error: unknown, debug = false): string {
  if (debug) return inspect(error);
  if (error instanceof PlumblineError) return error.message;
  return `unexpected ${error}; --debug shows where`;
}
