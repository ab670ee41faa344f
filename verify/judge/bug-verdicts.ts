import { type AlignedRow, project, restrict } from './align.ts';
import { type ClassNoise, classNoise } from './class-noise.ts';
import type { BugVerdict, Reference } from './judgement.ts';
import { deviance, type Fit, type FitRows, productsOf, robustFit, withRegressor } from './robust-fit.ts';
import { median, rms, rmsOfRows } from './statistics.ts';

/**
 * A bug is as large as its signature says, within these: large changes are not linear. The broken engines of
 * `npm run power` and of golden/engines lie between 0.78 and 1.19. An honest bf16 engine whose router chooses
 * otherwise in one row has reached 0.57 for RoPE's theta, 7 standard errors from 0.
 */
const LEAST_COEFFICIENT = 0.7;
const MOST_COEFFICIENT = 1.3;
/**
 * A bug of another size, such as scores that are scaled 1 % too high in place of 2 %, is found where it is
 * almost the whole error: its coefficient is at least this far from 0 …
 */
const LEAST_OTHER_SIZE = 0.02;
/** … by this many standard errors … */
const OTHER_SIZE_SIGNIFICANCE = 30;
/** … and it leaves at most this part of the error in the median row, as noise never does. */
const LEFT_OF_OTHER_SIZE = 0.1;
/** A bug is ruled out if its coefficient is certainly below this. */
const ABSENT_COEFFICIENT = 0.5;
/** Standard errors that a coefficient must be from 0: quantisation is slightly systematic. */
const SIGNIFICANCE = 6;
/** The same of a bug beside another: what a large bug leaves is not linear, and resembles others in part. */
const FURTHER_SIGNIFICANCE = 12;
/** Standard errors within which a coefficient is uncertain. */
const CONFIDENCE = 3;
/** Adjacent rows of a case that count as one: they see the same past. */
const CLUSTER_ROWS = 16;
/** A signature below this, RMS in nats in its 16 largest rows, is rounding. */
const LEAST_SIGNATURE = 1e-4;
/** Noise in nats beyond which changes are no longer linear and all resemble each other … */
const LINEAR_NOISE = 0.5;
/** … so that a bug must then explain the error: what is left of it, at most. */
const LEFT_OF_LARGE_NOISE = 0.5;
/**
 * Where an error is known to be there and rows are few, or change when they are asked for again, a bug has to
 * be that error: its coefficient is this near to 1 …
 */
const EXACT_COEFFICIENT = 0.1;
/** … and of the rows whose error is more than this many times the noise … */
const OFF = 3;
/** … it leaves at most this part of the error … */
const LEFT_OF_ROW = 0.5;
/** … in this part of them at least. */
const EXPLAINED_ROWS = 0.5;
/** Bugs that are looked for in one subject, one after the other. */
const MOST_BUGS = 3;

/**
 * A matched filter: the subject's error is regressed on the signature of each bug, together with the errors
 * of all imitations, which stand for what honest engines do. The coefficient of the signature is 1 for an
 * engine with the bug and 0 for one without it. Related bugs have similar signatures: the one that explains
 * most is taken first, and the others are looked for in what it leaves.
 *
 * @param options.mustExplain name a bug only if it is the whole error, up to noise. Default false.
 */
export function judgeBugs(
  rows: readonly AlignedRow[],
  reference: Reference,
  { mustExplain = false }: { mustExplain?: boolean } = {},
): BugVerdict[] {
  const { signatures } = reference;
  if (signatures.length === 0 || rows.length === 0) return [];
  const known = signatures[0].cases;
  const compared = restrict(
    rows.filter((row) => known.has(row.case)),
    Math.min(...[...known.values()].flatMap((of) => of.map(({ length }) => length))),
  );
  if (compared.length === 0) return signatures.map(({ name }) => cannotTell(name));
  const noise = classNoise(compared, reference);
  const verdicts = new Map<string, BugVerdict>();
  let candidates = signatures.flatMap((signature) => {
    const change = project(compared, (row) => signature.cases.get(row.case)![row.index]);
    const ascending = rmsOfRows(change, noise.starts).sort();
    const seen = rms(ascending.subarray(-CLUSTER_ROWS)) >= LEAST_SIGNATURE;
    if (!seen) verdicts.set(signature.name, cannotTell(signature.name));
    return seen ? [{ name: signature.name, change }] : [];
  });
  const clusters = clustersOf(compared);
  let target = Float64Array.from(compared.flatMap(({ error }) => [...error]));
  for (let found = 0; ; found++) {
    const significance = found === 0 ? SIGNIFICANCE : FURTHER_SIGNIFICANCE;
    const results = fitEach({ target, clusters, noise, candidates, mustExplain, significance });
    for (const { name, verdict } of results) verdicts.set(name, verdict);
    const [best] = results
      .filter(({ verdict }) => isFound(verdict))
      // Bugs of one kind are multiples of each other: the one whose size fits comes first.
      .sort((a, b) => Number(isSized(b)) - Number(isSized(a)) || b.explained - a.explained);
    if (!best) break;
    candidates = candidates.filter(({ name }) => name !== best.name);
    const { coefficient } = best.verdict;
    target = target.map((value, i) => value - coefficient * best.change[i]);
    if (found + 1 === MOST_BUGS) break;
  }
  return signatures.map(({ name }) => verdicts.get(name)!);
}

/** The bugs that the engine has. */
export function foundBugs<T extends Pick<BugVerdict, 'verdict'>>(bugs: readonly T[]): T[] {
  return bugs.filter(isFound);
}

function isFound({ verdict }: Pick<BugVerdict, 'verdict'>): boolean {
  return verdict === 'found';
}

interface Candidate {
  readonly name: string;
  /** f64, row after row. */
  readonly change: Float64Array;
}

interface Result extends Candidate {
  readonly verdict: BugVerdict;
  /** Deviance that the bug takes away. */
  readonly explained: number;
}

interface Search {
  /** f64, row after row. */
  readonly target: Float64Array;
  /** By row. */
  readonly clusters: readonly number[];
  readonly noise: ClassNoise;
  readonly candidates: readonly Candidate[];
  readonly mustExplain: boolean;
  /** Standard errors that a coefficient must be from 0. */
  readonly significance: number;
}

function fitEach({ target, clusters, noise, candidates, ...rules }: Search): Result[] {
  const honest = [...noise.errors].flatMap(([{ isDraw }, errors]) => (isDraw ? [] : [errors]));
  // Noise of all classes is large in the same places; the second class has the most imitations.
  const reference = noise.noise.get('bf16') ?? [...noise.noise.values()][0];
  const fitRows: FitRows = { starts: noise.starts, target, noise: reference, clusters };
  const products = productsOf(fitRows, honest);
  const without = robustFit(fitRows, products);
  return candidates.map((candidate) => {
    const fit = robustFit(fitRows, withRegressor(fitRows, products, candidate.change));
    const scale = Math.min(fit.scale, without.scale);
    return {
      ...candidate,
      verdict: verdictOf(candidate.name, { fit, without, noise: reference, ...rules }),
      explained: deviance(without, scale) - deviance(fit, scale),
    };
  });
}

interface Comparison extends Pick<Search, 'mustExplain' | 'significance'> {
  /** With the bug's signature among the regressors, and without it. */
  readonly fit: Fit;
  readonly without: Fit;
  /** By row, in nats. */
  readonly noise: readonly number[];
}

function verdictOf(name: string, { fit, without, noise, mustExplain, significance }: Comparison): BugVerdict {
  const [coefficient, standardError] = [fit.coefficients.at(-1)!, fit.standardErrors.at(-1)!];
  const sized = isSized({ verdict: { coefficient } });
  const significant = Math.abs(coefficient) > significance * standardError;
  const leftNats = median(fit.left.map((value, r) => Math.sqrt(value) * noise[r]));
  const linear = leftNats <= LINEAR_NOISE || fit.scale <= LEFT_OF_LARGE_NOISE * without.scale;
  const explains = !mustExplain || (isExact(coefficient) && explainsMost(fit, without));
  const absent = coefficient + CONFIDENCE * standardError < ABSENT_COEFFICIENT;
  const otherSize =
    !mustExplain &&
    Math.abs(coefficient) >= Math.max(LEAST_OTHER_SIZE, OTHER_SIZE_SIGNIFICANCE * standardError) &&
    fit.scale <= LEFT_OF_OTHER_SIZE * without.scale;
  const found = (sized && significant && linear && explains) || otherSize;
  const verdict = found ? 'found' : absent && linear ? 'ruled out' : 'cannot tell';
  return { name, verdict, coefficient, standardError };
}

function isSized({ verdict: { coefficient } }: { verdict: Pick<BugVerdict, 'coefficient'> }): boolean {
  return coefficient >= LEAST_COEFFICIENT && coefficient <= MOST_COEFFICIENT;
}

function isExact(coefficient: number): boolean {
  return Math.abs(coefficient - 1) <= EXACT_COEFFICIENT;
}

/** Whether the bug takes away most of the error of most rows that are off. */
function explainsMost({ left }: Fit, without: Fit): boolean {
  const off = [...left.keys()].filter((r) => without.left[r] > OFF ** 2);
  const explained = off.filter((r) => left[r] <= LEFT_OF_ROW ** 2 * without.left[r]);
  return off.length > 0 && explained.length >= EXPLAINED_ROWS * off.length;
}

function cannotTell(name: string): BugVerdict {
  return { name, verdict: 'cannot tell', coefficient: 0, standardError: Number.POSITIVE_INFINITY };
}

/** By row: numbers runs of {@link CLUSTER_ROWS} positions of each case. */
function clustersOf(rows: readonly AlignedRow[]): number[] {
  const numbers = new Map<string, number>();
  return rows.map(({ case: id, position }) => {
    const key = `${Math.floor(position / CLUSTER_ROWS)} ${id}`;
    return numbers.get(key) ?? numbers.set(key, numbers.size).get(key)!;
  });
}
