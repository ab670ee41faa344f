import { inspect } from 'node:util';
import { ApiError } from '../api-error.ts';

/** A message shows no more of a value: a whole conversation may stand in a field's place. */
const MAX_SHOWN_CHARACTERS = 60;

/**
 * Refuses a field of a request.
 *
 * @param param the field as OpenAI writes it: `messages[0].content`.
 * @param expected what would be right, as it follows on "expected".
 * @throws ApiError 400.
 */
export function refuse(param: string, found: unknown, expected: string): never {
  const shown = inspect(found, {
    depth: 0,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: MAX_SHOWN_CHARACTERS,
    customInspect: false,
  });
  throw new ApiError(400, `cannot read ${param}: found ${shown}; expected ${expected}`, { param });
}
