import { SubjectError } from '../../errors.ts';
import type { WireScores } from '../../protocol/messages.ts';
import { decodeFloats, decodeIntegers } from '../../protocol/wire-array.ts';
import type { TokenScores } from '../../subject.ts';

/** Log-probabilities are at most 0; rounding of logits to 8 bits may lift one near 0 by this much. */
const MAX_LOG_PROBABILITY = 0.01;

/** What the scores of an answer have to be. */
export interface ExpectedScores {
  readonly rows: number;
  /** As the engine said at the start. */
  readonly values: 'logits' | 'log-probabilities';
  readonly kind: 'all' | 'top';
}

/**
 * Decodes scores into rows.
 *
 * @param what names the scores in messages.
 * @returns views of one array.
 * @throws SubjectError if there is not one row for each position, ids are missing or not asked for, or
 * log-probabilities are above 0.
 */
export function decodeScores(
  what: string,
  scores: WireScores,
  { rows, values: meaning, kind }: ExpectedScores,
): TokenScores[] {
  if ((kind === 'top') !== (scores.ids !== undefined)) {
    const found = scores.ids ? 'ids beside the values' : 'values without ids';
    throw new SubjectError(`${what}: ${found}; the engine said at the start that its scores are "${kind}"`);
  }
  const width = kind === 'all' ? 'vocabulary' : 'n';
  const { values, shape } = decodeFloats(`${what}.values`, scores.values, [rows, width]);
  const [, n] = shape;
  const ids = scores.ids && decodeIntegers(`${what}.ids`, scores.ids, [rows, n]).values;
  if (meaning === 'log-probabilities') {
    const index = values.findIndex((value) => value > MAX_LOG_PROBABILITY);
    if (index >= 0) {
      throw new SubjectError(
        `${what}.values: row ${Math.floor(index / n)} has ${values[index]}; expected log-probabilities, at most 0, as the engine said at the start`,
      );
    }
  }
  return Array.from({ length: rows }, (_, row) => ({
    ...(ids ? { ids: ids.subarray(row * n, (row + 1) * n) } : {}),
    values: values.subarray(row * n, (row + 1) * n),
  }));
}
