/** The median; of an even number of values the mean of the two in the middle. NaN without values. */
export function median(values: Iterable<number>): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** √(mean of the squares); NaN without values. */
export function rms(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ** 2;
  return Math.sqrt(sum / values.length);
}

/** Subtracts the mean, in place. */
export function center(values: Float64Array): Float64Array {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  for (let i = 0; i < values.length; i++) values[i] -= mean;
  return values;
}

/**
 * The inverse of a symmetric positive definite matrix, by Gauss and Jordan. It is scaled to a unit diagonal
 * first, and a little is added to that: regressors that are nearly the same share a coefficient, where they
 * would make it singular.
 *
 * @param matrix [n][n]; rows and columns of zeros give zeros.
 */
export function invert(matrix: readonly ArrayLike<number>[]): number[][] {
  const n = matrix.length;
  const scale = matrix.map((row, i) => (row[i] > 0 ? 1 / Math.sqrt(row[i]) : 0));
  const work = matrix.map((row, i) => [
    ...Array.from(
      row,
      (value, j) => value * scale[i] * scale[j] + (i === j ? (scale[i] > 0 ? RIDGE : 1) : 0),
    ),
    ...Array.from(row, (_, j) => (i === j ? 1 : 0)),
  ]);
  for (let i = 0; i < n; i++) {
    const pivot = work[i][i];
    for (let j = i; j < 2 * n; j++) work[i][j] /= pivot;
    for (let other = 0; other < n; other++) {
      const factor = work[other][i];
      if (other === i || factor === 0) continue;
      for (let j = i; j < 2 * n; j++) work[other][j] -= factor * work[i][j];
    }
  }
  return work.map((row, i) => row.slice(n).map((value, j) => value * scale[i] * scale[j]));
}

const RIDGE = 1e-9;
