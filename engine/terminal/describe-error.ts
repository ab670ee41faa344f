import { inspect } from 'node:util';
import { escapeControls, PlumblineError } from '../errors.ts';
import { namedShortage } from './shortage.ts';

/**
 * What a command prints of an error. The message of a PlumblineError says what to do, and so does one of
 * anything that the system has too little of; any other error is a bug, and its class helps to find it. A
 * message may quote a file or a name, so control characters are escaped.
 *
 * @param debug whether the stack trace is printed, and the error's causes.
 */
export function describeError(error: unknown, debug = false): string {
  if (debug) return escapeControls(inspect(error));
  const named = namedShortage(error);
  if (named instanceof PlumblineError) return escapeControls(named.message);
  return `unexpected ${escapeControls(String(error))}; --debug shows where`;
}
