import { invert, median } from './statistics.ts';

/** Rows of several values each, with what they are weighted and grouped by. */
export interface FitRows {
  /** i32 [rows + 1]: where each row begins in the target and in regressors. */
  readonly starts: Int32Array;
  /** f64, row after row: what is to be explained. */
  readonly target: Float64Array;
  /** By row: the noise to be expected of it, RMS; only the relation of rows to each other counts. */
  readonly noise: readonly number[];
  /** By row: rows of the same cluster are not independent. */
  readonly clusters: readonly number[];
}

/** f64, row after row, as long as the target. */
export type Regressor = Float64Array;

export interface Fit {
  /** One for each regressor. */
  readonly coefficients: readonly number[];
  readonly standardErrors: readonly number[];
  /** By row: mean square of what is left, in units of the row's noise squared. */
  readonly left: readonly number[];
  /** Median over rows of the residuals' RMS in units of the row's noise; at least {@link LEAST_SCALE}. */
  readonly scale: number;
}

/** Degrees of freedom of Student's t: heavy tails, as of a router that flips. */
const NU = 3;
/** Iterations end when σ changes by less than the fraction CONVERGED, at the latest after ITERATIONS. */
const CONVERGED = 1e-6;
const ITERATIONS = 25;
/** A smaller scale means nothing, and would give all weight to a few rows next to an imitation. */
const LEAST_SCALE = 1e-2;

/** Products of regressors and target within each row: what a fit needs, whatever the weights of the rows. */
export interface Products {
  readonly regressors: readonly Regressor[];
  /** f64 [rows, k (k + 1) / 2]: of regressors i and j ≤ i at i (i + 1) / 2 + j. */
  readonly gram: Float64Array;
  /** f64 [rows, k], with the target. */
  readonly moments: Float64Array;
  /** f64 [rows], of the target. */
  readonly squares: Float64Array;
}

const triangle = (k: number) => (k * (k + 1)) / 2;

/** @param regressors k of them */
export function productsOf({ starts, target }: FitRows, regressors: readonly Regressor[]): Products {
  const k = regressors.length;
  const rows = starts.length - 1;
  const products = {
    regressors,
    gram: new Float64Array(rows * triangle(k)),
    moments: new Float64Array(rows * k),
    squares: new Float64Array(rows),
  };
  for (const [i, regressor] of regressors.entries()) {
    multiply(starts, regressor, target, { into: products.moments, first: i, step: k });
    for (let j = 0; j <= i; j++) {
      const first = triangle(i) + j;
      multiply(starts, regressor, regressors[j], { into: products.gram, first, step: triangle(k) });
    }
  }
  multiply(starts, target, target, { into: products.squares, first: 0, step: 1 });
  return products;
}

/** The products with one more regressor, the last; the others are not multiplied again. */
export function withRegressor({ starts, target }: FitRows, products: Products, added: Regressor): Products {
  const { gram, moments, squares } = products;
  const regressors = [...products.regressors, added];
  const k = regressors.length;
  const rows = starts.length - 1;
  const wider = widen(gram, { rows, step: triangle(k) });
  for (const [i, regressor] of regressors.entries()) {
    multiply(starts, added, regressor, { into: wider, first: triangle(k - 1) + i, step: triangle(k) });
  }
  const longer = widen(moments, { rows, step: k });
  multiply(starts, added, target, { into: longer, first: k - 1, step: k });
  return { regressors, gram: wider, moments: longer, squares };
}

interface Placed {
  readonly into: Float64Array;
  readonly first: number;
  /** From the value of a row to that of the next. */
  readonly step: number;
}

/** Puts the product of two regressors in each row. */
function multiply(starts: Int32Array, a: Regressor, b: Regressor, { into, first, step }: Placed): void {
  for (let r = 0; r + 1 < starts.length; r++) {
    let sum = 0;
    for (let i = starts[r]; i < starts[r + 1]; i++) sum += a[i] * b[i];
    into[first + r * step] = sum;
  }
}

/** The same values by row, with room after those of each row. */
function widen(values: Float64Array, { rows, step }: { rows: number; step: number }): Float64Array {
  const wider = new Float64Array(rows * step);
  const width = values.length / rows;
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < width; i++) wider[r * step + i] = values[r * width + i];
  }
  return wider;
}

/**
 * Linear regression of rows with row weights from Student's t, by iteratively reweighted least squares:
 * w_r = 1 / (noise_r² · (1 + e_r² / (ν σ²))), where e_r is the RMS of the row's residual over its noise and
 * σ the median of the e_r (Lange, Little & Taylor 1989). Standard errors are those of the sandwich
 * A⁻¹ (Σ_clusters s sᵀ) A⁻¹ (Liang & Zeger 1986).
 */
export function robustFit(rows: FitRows, products: Products): Fit {
  const { starts, noise } = rows;
  const k = products.regressors.length;
  let weights = noise.map((value) => 1 / value ** 2);
  let coefficients: number[] = [];
  let left: number[] = [];
  let inverse: Float64Array[] = [];
  let scale = LEAST_SCALE;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const { normal, moments } = weigh(products, weights, k);
    inverse = invert(normal);
    coefficients = inverse.map((row) => dot(row, moments));
    const squares = leftOver(products, coefficients);
    left = noise.map((value, r) => squares[r] / (starts[r + 1] - starts[r]) / value ** 2);
    const previous = scale;
    scale = Math.max(LEAST_SCALE, Math.sqrt(median(left)));
    if (iteration > 0 && Math.abs(scale - previous) <= CONVERGED * scale) break;
    weights = left.map((value, r) => 1 / noise[r] ** 2 / (1 + value / (NU * scale ** 2)));
  }
  const scores = clusterScores(rows, products, weights, coefficients);
  const standardErrors = inverse.map((row) =>
    Math.sqrt(scores.reduce((sum, score) => sum + dot(row, score) ** 2, 0)),
  );
  return { coefficients, standardErrors, left, scale };
}

/** −log-likelihood of Student's t, summed over rows, up to a constant. @param scale σ */
export function deviance({ left }: Fit, scale: number): number {
  return left.reduce((sum, value) => sum + Math.log1p(value / (NU * scale ** 2)), 0);
}

/** Σ_r w_r · gram_r and Σ_r w_r · moments_r. */
function weigh({ gram, moments }: Products, weights: readonly number[], k: number) {
  const size = triangle(k);
  const sums = new Float64Array(size);
  const weighted = new Float64Array(k);
  for (let r = 0; r < weights.length; r++) {
    const weight = weights[r];
    for (let t = 0; t < size; t++) sums[t] += weight * gram[r * size + t];
    for (let i = 0; i < k; i++) weighted[i] += weight * moments[r * k + i];
  }
  return { normal: symmetric(sums, k), moments: weighted };
}

/** [k][k] of the part below and on its diagonal. */
function symmetric(lower: Float64Array, k: number): Float64Array[] {
  const matrix = Array.from({ length: k }, () => new Float64Array(k));
  for (let i = 0, at = 0; i < k; i++) for (let j = 0; j <= i; j++) matrix[i][j] = matrix[j][i] = lower[at++];
  return matrix;
}

/** @returns |target − Σ_i c_i · regressor_i|² of each row, never below zero. */
function leftOver({ gram, moments, squares }: Products, coefficients: readonly number[]): Float64Array {
  const k = coefficients.length;
  const size = triangle(k);
  const pairs = new Float64Array(size);
  for (let i = 0, at = 0; i < k; i++) {
    for (let j = 0; j <= i; j++) pairs[at++] = (i === j ? 1 : 2) * coefficients[i] * coefficients[j];
  }
  const left = squares.slice();
  for (let r = 0; r < left.length; r++) {
    let sum = left[r];
    for (let i = 0; i < k; i++) sum -= 2 * coefficients[i] * moments[r * k + i];
    for (let t = 0; t < size; t++) sum += pairs[t] * gram[r * size + t];
    left[r] = Math.max(0, sum);
  }
  return left;
}

/** @returns Σ_r w_r · regressor_r · residual_r of each cluster, [k]. */
function clusterScores(
  { clusters }: FitRows,
  { gram, moments }: Products,
  weights: readonly number[],
  coefficients: readonly number[],
): Float64Array[] {
  const k = coefficients.length;
  const size = triangle(k);
  const scores = new Map<number, Float64Array>();
  const fitted = new Float64Array(k);
  for (const [r, cluster] of clusters.entries()) {
    const score = scores.get(cluster) ?? new Float64Array(k);
    scores.set(cluster, score);
    fitted.fill(0);
    for (let i = 0, at = r * size; i < k; i++) {
      for (let j = 0; j < i; j++, at++) {
        fitted[i] += coefficients[j] * gram[at];
        fitted[j] += coefficients[i] * gram[at];
      }
      fitted[i] += coefficients[i] * gram[at++];
    }
    for (let i = 0; i < k; i++) score[i] += weights[r] * (moments[r * k + i] - fitted[i]);
  }
  return [...scores.values()];
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
