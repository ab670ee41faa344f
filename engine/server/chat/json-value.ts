import { OptionError } from '../../errors.ts';

/** More than schemas have. Templates and the copy for another thread take each level on the stack. */
const MAX_LEVELS = 100;

/** What is expected in place of JSON that is nested too deeply. */
export const FEWER_LEVELS = `at most ${MAX_LEVELS} levels of arrays and objects`;

/**
 * Checks a JSON value, also of `parseJson` in text/jinja, that a chat template writes into a prompt.
 *
 * @param field its name, for messages.
 * @throws OptionError if a text in it, key or value, has a lone surrogate, or it is nested too deep.
 */
export function checkJsonValue(field: string, value: unknown): void {
  const problem = problemOf(value, MAX_LEVELS);
  if (problem !== undefined) throw new OptionError(field, value, problem);
}

function problemOf(value: unknown, levels: number): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'texts without lone surrogates';
  if (typeof value !== 'object' || value === null) return undefined;
  if (value instanceof Number) return undefined;
  if (levels === 0) return FEWER_LEVELS;
  for (const [key, each] of value instanceof Map ? value : Object.entries(value)) {
    const problem = problemOf(key, levels) ?? problemOf(each, levels - 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
