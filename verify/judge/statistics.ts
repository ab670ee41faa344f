/** The median; of an even number of values the mean of the two in the middle. NaN without values. */
export function median(values: ArrayLike<number>): number {
  const sorted = new Float64Array(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** √(mean of the squares); NaN without values. */
export function rms(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ** 2;
  return Math.sqrt(sum / values.length);
}

/**
 * {@link rms} of each row.
 *
 * @param values row after row.
 * @param starts i32 [rows + 1]: where each row begins, and where the last one ends.
 */
export function rmsOfRows(values: Float64Array, starts: Int32Array): Float64Array {
  const rows = new Float64Array(starts.length - 1);
  for (let r = 0; r < rows.length; r++) {
    let sum = 0;
    for (let i = starts[r]; i < starts[r + 1]; i++) sum += values[i] ** 2;
    rows[r] = Math.sqrt(sum / (starts[r + 1] - starts[r]));
  }
  return rows;
}

/** RMS of the first `count` differences from the truth, less their mean: rows are known up to a constant. */
export function rmsError(values: Float32Array, truth: Float32Array, count: number): number {
  const length = Math.min(count, truth.length);
  let sum = 0;
  for (let i = 0; i < length; i++) sum += values[i] - truth[i];
  const mean = sum / length;
  let squares = 0;
  for (let i = 0; i < length; i++) squares += (values[i] - truth[i] - mean) ** 2;
  return Math.sqrt(squares / length);
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
export function invert(matrix: readonly ArrayLike<number>[]): Float64Array[] {
  const n = matrix.length;
  const scale = matrix.map((row, i) => (row[i] > 0 ? 1 / Math.sqrt(row[i]) : 0));
  // [n, 2 n]: the matrix, and beside it what becomes its inverse.
  const width = 2 * n;
  const work = new Float64Array(n * width);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) work[i * width + j] = matrix[i][j] * scale[i] * scale[j];
    work[i * width + i] += scale[i] > 0 ? RIDGE : 1;
    work[i * width + n + i] = 1;
  }
  for (let i = 0; i < n; i++) {
    const pivot = work[i * width + i];
    // To the right of the columns that are done, and to the left of those that are still of the unit matrix.
    for (let j = i; j <= n + i; j++) work[i * width + j] /= pivot;
    for (let other = 0; other < n; other++) {
      const factor = work[other * width + i];
      if (other === i || factor === 0) continue;
      for (let j = i; j <= n + i; j++) work[other * width + j] -= factor * work[i * width + j];
    }
  }
  return matrix.map((_, i) =>
    work.slice(i * width + n, (i + 1) * width).map((value, j) => value * scale[i] * scale[j]),
  );
}

const RIDGE = 1e-9;
