/**
 * How far two honest computations of one model may be apart. Stated once, for the generator and for the
 * suite.
 */

/**
 * Floor of {@link tolerance}: a fraction of the row's largest magnitude. Honest f32 pairs were seen 5.1e-6
 * apart.
 */
const RELATIVE = 1e-5;
const ABSOLUTE = 1e-5;
/** An engine may be this many times as far from the reference as the reference is from the truth. */
const NOISE_FACTOR = 4;

/** Bounds on a next-token probability. */
export const PROBABILITY_ATOL = 1e-5;
export const PROBABILITY_RTOL = 1e-4;

/** An engine's RMS distance from the float64 truth, in units of the reference's own. */
export const RMS_FACTOR = 2;

/**
 * Bound on the difference of a value in a row of logits or of hidden states.
 *
 * @param rowMax largest magnitude in the row.
 * @param noise the reference's own distance from its float64 twin in this case, as a fraction of the row's
 * maximum.
 */
export function tolerance(rowMax: number, noise: number): number {
  return Math.max(ABSOLUTE + RELATIVE * rowMax, NOISE_FACTOR * noise * rowMax);
}

/** Bound on the difference of a next-token probability. @param noise the reference's own, as an absolute. */
export function probabilityTolerance(expected: number, noise: number): number {
  return Math.max(PROBABILITY_ATOL + PROBABILITY_RTOL * expected, NOISE_FACTOR * noise);
}

/**
 * Whether a greedy step is a tie within the reference's accuracy: both best logits may be off by the
 * tolerance.
 *
 * @param margin the best logit less the second best.
 */
export function isTie(margin: number, rowMax: number, noise: number): boolean {
  return margin <= 2 * tolerance(rowMax, noise);
}

/** Two things cannot be compared: NaN, an infinity, nothing at all, or different lengths. */
export class ComparisonError extends Error {
  override name = 'ComparisonError';
}

/** The largest magnitude. @throws ComparisonError if there is no value, or one that is not finite. */
export function maxAbs(values: ArrayLike<number>): number {
  if (values.length === 0) throw new ComparisonError('there is nothing to compare');
  let max = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]);
    if (!Number.isFinite(magnitude))
      throw new ComparisonError(`the value at index ${i} is ${values[i]}, not a finite number`);
    if (magnitude > max) max = magnitude;
  }
  return max;
}

/** log Σ exp, without overflow. */
export function logSumExp(values: ArrayLike<number>): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (values[i] > max) max = values[i];
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i] - max);
  return max + Math.log(sum);
}
