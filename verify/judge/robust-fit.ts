import { invert, median } from './statistics.ts';

/** Rows of several values each, with what they are weighted and grouped by. */
export interface FitRows {
  /** By row: f64 [n], what is to be explained. */
  readonly target: readonly Float64Array[];
  /** By row: the noise to be expected of it, RMS; only the relation of rows to each other counts. */
  readonly noise: readonly number[];
  /** By row: rows of the same cluster are not independent. */
  readonly clusters: readonly number[];
}

/** A regressor: by row, f64 as long as the row's target. */
export type Regressor = readonly Float64Array[];

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
  /** f64 [rows, k, k] */
  readonly gram: Float64Array;
  /** f64 [rows, k], with the target. */
  readonly moments: Float64Array;
  /** f64 [rows], of the target. */
  readonly squares: Float64Array;
}

/** @param regressors k of them */
export function productsOf({ target }: FitRows, regressors: readonly Regressor[]): Products {
  const k = regressors.length;
  const gram = new Float64Array(target.length * k * k);
  const moments = new Float64Array(target.length * k);
  for (let r = 0; r < target.length; r++) {
    for (let i = 0; i < k; i++) {
      moments[r * k + i] = dot(regressors[i][r], target[r]);
      for (let j = 0; j <= i; j++) {
        const product = dot(regressors[i][r], regressors[j][r]);
        gram[(r * k + i) * k + j] = product;
        gram[(r * k + j) * k + i] = product;
      }
    }
  }
  return { regressors, gram, moments, squares: Float64Array.from(target, (values) => dot(values, values)) };
}

/** The products with one more regressor, the last; the others are not multiplied again. */
export function withRegressor({ target }: FitRows, products: Products, added: Regressor): Products {
  const { regressors, gram, moments } = products;
  const old = regressors.length;
  const k = old + 1;
  const wider = new Float64Array(target.length * k * k);
  const longer = new Float64Array(target.length * k);
  for (let r = 0; r < target.length; r++) {
    for (let i = 0; i < old; i++) {
      wider.set(gram.subarray((r * old + i) * old, (r * old + i + 1) * old), (r * k + i) * k);
      const product = dot(regressors[i][r], added[r]);
      wider[(r * k + i) * k + old] = product;
      wider[(r * k + old) * k + i] = product;
    }
    wider[(r * k + old) * k + old] = dot(added[r], added[r]);
    longer.set(moments.subarray(r * old, (r + 1) * old), r * k);
    longer[r * k + old] = dot(added[r], target[r]);
  }
  return { regressors: [...regressors, added], gram: wider, moments: longer, squares: products.squares };
}

/**
 * Linear regression of rows with row weights from Student's t, by iteratively reweighted least squares:
 * w_r = 1 / (noise_r² · (1 + e_r² / (ν σ²))), where e_r is the RMS of the row's residual over its noise and
 * σ the median of the e_r (Lange, Little & Taylor 1989). Standard errors are those of the sandwich
 * A⁻¹ (Σ_clusters s sᵀ) A⁻¹ (Liang & Zeger 1986).
 */
export function robustFit(rows: FitRows, products: Products): Fit {
  const { target, noise } = rows;
  const k = products.regressors.length;
  let weights = noise.map((value) => 1 / value ** 2);
  let coefficients: number[] = [];
  let left: number[] = [];
  let inverse: number[][] = [];
  let scale = LEAST_SCALE;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const { normal, moments } = weigh(products, weights, k);
    inverse = invert(normal);
    coefficients = inverse.map((row) => dot(row, moments));
    left = target.map((values, r) => leftOver(products, coefficients, r) / values.length / noise[r] ** 2);
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
  const normal = Array.from({ length: k }, () => new Float64Array(k));
  const sums = new Array<number>(k).fill(0);
  for (let r = 0; r < weights.length; r++) {
    for (let i = 0; i < k; i++) {
      sums[i] += weights[r] * moments[r * k + i];
      for (let j = 0; j <= i; j++) normal[i][j] += weights[r] * gram[(r * k + i) * k + j];
    }
  }
  for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) normal[j][i] = normal[i][j];
  return { normal, moments: sums };
}

/** |target − Σ_i c_i · regressor_i|² of a row, never below zero. */
function leftOver({ gram, moments, squares }: Products, coefficients: readonly number[], r: number): number {
  const k = coefficients.length;
  let left = squares[r];
  for (let i = 0; i < k; i++) {
    left -= 2 * coefficients[i] * moments[r * k + i];
    for (let j = 0; j < k; j++) left += coefficients[i] * coefficients[j] * gram[(r * k + i) * k + j];
  }
  return Math.max(0, left);
}

/** Of each cluster: Σ_r w_r · regressor_r · residual_r, [k]. */
function clusterScores(
  { clusters }: FitRows,
  { gram, moments }: Products,
  weights: readonly number[],
  coefficients: readonly number[],
): number[][] {
  const k = coefficients.length;
  const scores = new Map<number, number[]>();
  for (const [r, cluster] of clusters.entries()) {
    const score = scores.get(cluster) ?? new Array<number>(k).fill(0);
    for (let i = 0; i < k; i++) {
      let residual = moments[r * k + i];
      for (let j = 0; j < k; j++) residual -= coefficients[j] * gram[(r * k + i) * k + j];
      score[i] += weights[r] * residual;
    }
    scores.set(cluster, score);
  }
  return [...scores.values()];
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
