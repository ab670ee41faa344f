import { isTie } from '../../golden/tolerance.ts';
import type { Difference } from './difference.ts';
import type { ExpectedRow } from './expected-rows.ts';

/** How greedy tokens compare. */
export interface GreedyComparison {
  /** The first step with another token. Later steps continue another text and are not comparable. */
  readonly flippedAt?: number;
  /** Absent if the tokens are the same, or the first other one is a tie. */
  readonly difference?: Difference;
}

/**
 * Compares greedy tokens up to the first that differs.
 *
 * @param promptLength positions before the first token.
 * @param isTieAt whether the margin between a token and the expected one is within the noise.
 */
export function compareGreedy(
  tokens: readonly number[],
  expected: readonly number[],
  promptLength: number,
  isTieAt: (step: number, token: number) => boolean,
): GreedyComparison {
  const step = expected.findIndex((token, i) => token !== tokens[i]);
  if (step < 0) return {};
  const [got, token] = [tokens[step], expected[step]];
  if (isTieAt(step, got)) return { flippedAt: step };
  const difference = {
    what: 'greedy token',
    position: promptLength + step,
    index: step,
    got,
    expected: token,
    tolerance: 0,
  };
  return { flippedAt: step, difference };
}

/**
 * Whether a row's own token and another are a tie: their margin is within the noise.
 *
 * @param noise the reference's own distance from its float64 twin, as a fraction of the row's largest
 * magnitude.
 */
export function isTieIn(row: ExpectedRow, own: number, other: number, noise: number): boolean {
  const column = row.ids.indexOf(other);
  // A token whose logit is not stored is not among the largest.
  if (column < 0) return false;
  return isTie(row.logits[row.ids.indexOf(own)] - row.logits[column], row.rowMax, noise);
}
