import { z } from 'zod';
import { show } from '../../../engine/errors.ts';
import { SubjectError } from '../../errors.ts';

/** A message shows no more of an answer. */
const MAX_SHOWN = 200;

/** The server refused a request with an HTTP status that is not waited for. */
export class HttpStatusError extends SubjectError {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Statuses that say "not in this way"; a key that is wrong is wrong in every way. */
const REFUSALS: readonly number[] = [400, 404, 405, 413, 422, 500, 501];

export const LOCKED: readonly number[] = [401, 403];

/** Whether the server does not take a request of this form. */
export function isRefusal(error: unknown): error is HttpStatusError {
  return error instanceof HttpStatusError && REFUSALS.includes(error.status);
}

/** Whether the server wants a key, or another one. */
export function isLocked(error: unknown): error is HttpStatusError {
  return error instanceof HttpStatusError && LOCKED.includes(error.status);
}

/** The first characters of an answer, on one line. */
export function excerpt(answer: unknown): string {
  const text = typeof answer === 'string' ? answer : jsonOf(answer);
  const line = text.slice(0, MAX_SHOWN).replace(/\s+/g, ' ').trim();
  if (line === '') return 'nothing';
  return text.length > MAX_SHOWN ? `${line}…` : line;
}

function jsonOf(answer: unknown): string {
  try {
    return JSON.stringify(answer) ?? String(answer);
  } catch {
    // Nested too deeply.
    return show(answer);
  }
}

/**
 * Reads a part of an answer.
 *
 * @param asked what was asked; the message begins with it.
 * @throws SubjectError that names the key at fault, what came and what was expected.
 */
export function readAs<T>(asked: string, schema: z.ZodType<T>, answer: unknown): T {
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  const { path, message } = nearest(read.error.issues[0]);
  const key = path.length > 0 ? path.join('.') : 'the whole';
  throw new SubjectError(
    `${asked}: the answer is not as expected: ${key}: ${message}; got ${excerpt(answer)}`,
  );
}

/** The problem of the alternative that resembles the part most: the one with the deepest path. */
function nearest(issue: z.core.$ZodIssue): Pick<z.core.$ZodIssue, 'path' | 'message'> {
  if (issue.code !== 'invalid_union') return issue;
  const forms = issue.errors.flatMap((issues) => issues.slice(0, 1)).map(nearest);
  const [deepest] = forms.toSorted((a, b) => b.path.length - a.path.length);
  if (!deepest) return issue;
  return { path: [...issue.path, ...deepest.path], message: deepest.message };
}

/** @throws SubjectError that names what was asked, what came and what was expected. */
export function refuse(asked: string, found: string, expected: string): never {
  throw new SubjectError(`${asked}: found ${found}; expected ${expected}`);
}

/** A token id as servers give it. */
export const tokenId: z.ZodType<number> = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
