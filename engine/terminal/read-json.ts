import { readFileSync } from 'node:fs';
import type { PlumblineError } from '../errors.ts';
import { lfsPointer } from './git-lfs.ts';
import { describeCode } from './shortage.ts';

type ErrorClass = new (message: string, options?: ErrorOptions) => PlumblineError;

/**
 * Reads a JSON file.
 *
 * @param hint what was expected of the file, or what to do; ends the errors.
 * @throws Failure if the file cannot be read, with the system's code, or as {@link parseJsonOf} does.
 */
export function readJsonSync(path: string, Failure: ErrorClass, hint?: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Failure(`cannot read ${path} (${describeCode(cause)})${ending(hint)}`, { cause });
  }
  return parseJsonOf(path, text, Failure, hint);
}

/**
 * Parses the text of a JSON file.
 *
 * @param hint as {@link readJsonSync} takes it.
 * @throws Failure if the text is not JSON, or is a Git LFS pointer, which is then said.
 */
export function parseJsonOf(path: string, text: string, Failure: ErrorClass, hint?: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const pointer = lfsPointer(Buffer.from(text));
    if (pointer) throw new Failure(`cannot read ${path}: ${pointer}`, { cause });
    throw new Failure(`cannot read ${path} as JSON: ${(cause as Error).message}${ending(hint)}`, { cause });
  }
}

function ending(hint?: string): string {
  return hint ? `; ${hint}` : '';
}
