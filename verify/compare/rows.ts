import { logSumExp, probabilityTolerance, RMS_FACTOR, tolerance } from '../../golden/tolerance.ts';
import { SubjectError } from '../errors.ts';
import type { TokenScores } from '../subject.ts';
import { type Difference, MAX_LISTED, MISSING_TOKEN, RMS_DISTANCE } from './difference.ts';
import type { ExpectedRow } from './expected-rows.ts';

/** The reference's own distance from its float64 twin. */
export interface RowNoise {
  /** The tolerance of a logit, as a fraction of the row's largest magnitude. */
  readonly logits: number;
  /** The tolerance of a next-token probability. */
  readonly probabilities: number;
}

/** A subject's row beside the golden's, reduced to the tokens that both have. */
export interface PairedRow {
  readonly expected: ExpectedRow;
  /** Indices into the golden's row. */
  readonly columns: readonly number[];
  /** The subject's value at each column, as it gave it. */
  readonly values: Float64Array;
  /** Added to `values`, it makes them logits. */
  readonly offset: number;
  /** The subject's least score where it shows its likeliest tokens only. */
  readonly least?: number;
  /** The subject's own log Σ exp where it shows the whole vocabulary. */
  readonly logSumExp?: number;
}

/** Log-probabilities in f32 over 151,936 tokens, summed in f32, are off from 1 by less. */
const NORMALIZED = 1e-3;

/**
 * Pairs rows of scores with a golden's, and finds what makes them logits. A subject may give
 *
 * 1. logits: nothing is added;
 * 2. log-probabilities, recognised by their sum: the golden's log Σ exp is added, less the row's own where it
 *    is known;
 * 3. logits less another constant in every row: the median distance from the golden is added to each.
 *
 * Rows that are not right as (1) are taken for (2) if all of them are normalised, and for (3) if a constant
 * beyond the tolerance makes most values of every row right. A constant in some rows only is an error of
 * those rows.
 *
 * @param asked what the rows answer; messages begin with it.
 * @param rows checked, see `checkRows`; one for each of `expected`.
 * @throws SubjectError if a row has fewer than two tokens of the golden's: their distance is all that could
 * be compared.
 */
export function pairRows(
  asked: string,
  rows: readonly TokenScores[],
  expected: readonly ExpectedRow[],
  noise: RowNoise,
): PairedRow[] {
  const logits = rows.map((row, i) => pairRow(asked, row, expected[i]));
  if (compareRows(logits, noise).length === 0) return logits;
  const normalized = logits.every((row, i) => isNormalized(row, rows[i].values));
  const logProbabilities = logits.map((row) => ({
    ...row,
    offset: row.expected.logSumExp - (row.logSumExp ?? 0),
  }));
  if (normalized) return logProbabilities;
  const shifted = logits.map((row) => ({ ...row, offset: medianDistance(row) }));
  const isShift = ({ offset, expected: { rowMax } }: PairedRow) =>
    Math.abs(offset) > tolerance(rowMax, noise.logits);
  return shifted.every((row) => isShift(row) && isMostlyRight(row, noise)) ? shifted : logits;
}

/**
 * Compares logits and next-token probabilities value by value; of a row that shows the likeliest tokens only,
 * also that no token is missing which is likelier than the least of them.
 *
 * @returns the first differences.
 */
export function compareRows(rows: readonly PairedRow[], noise: RowNoise): Difference[] {
  const differences: Difference[] = [];
  for (const row of rows) {
    for (const difference of differencesOf(row, noise)) {
      differences.push(difference);
      if (differences.length === MAX_LISTED) return differences;
    }
  }
  return differences;
}

/**
 * Compares all values together with the float64 truth: the subject may be no more than {@link RMS_FACTOR}
 * farther from it than the reference is.
 *
 * @param logitsRms the reference's own distance where whole rows are compared; of fewer values it is computed
 * anew.
 * @returns one difference or none; none if the golden has no float64 twin.
 */
export function compareRms(rows: readonly PairedRow[], logitsRms: number): Difference[] {
  let [squares, referenceSquares, count] = [0, 0, 0];
  for (const { expected, columns, values, offset } of rows) {
    if (!expected.truth) continue;
    for (const [i, column] of columns.entries()) {
      squares += (values[i] + offset - expected.truth[column]) ** 2;
      referenceSquares += (expected.logits[column] - expected.truth[column]) ** 2;
      count++;
    }
  }
  if (count === 0) return [];
  const isWhole = rows.every(({ least }) => least === undefined);
  const reference = isWhole ? logitsRms : Math.sqrt(referenceSquares / count);
  const got = Math.sqrt(squares / count);
  const bound = RMS_FACTOR * reference;
  if (got <= bound) return [];
  return [{ what: RMS_DISTANCE, position: 0, index: 0, got, expected: reference, tolerance: bound }];
}

function pairRow(asked: string, { ids, values }: TokenScores, expected: ExpectedRow): PairedRow {
  const all = [...expected.ids.keys()];
  if (!ids) {
    const got = Float64Array.from(expected.ids, (id) => values[id]);
    return { expected, columns: all, values: got, offset: 0, logSumExp: logSumExp(values) };
  }
  const scores = new Map(Array.from(ids, (id, i) => [id, values[i]]));
  const columns = all.filter((column) => scores.has(expected.ids[column]));
  if (new Set(columns.map((column) => expected.ids[column])).size < 2) {
    throw new SubjectError(
      `${asked}: the row of position ${expected.position} shows ${ids.length} tokens, of which the golden has ` +
        `${columns.length}; expected two or more, since scores are compared up to a constant`,
    );
  }
  const got = Float64Array.from(columns, (column) => scores.get(expected.ids[column])!);
  return { expected, columns, values: got, offset: 0, least: Math.min(...values) };
}

/**
 * Whether a row is of log-probabilities: of all tokens their sum is 1, of the likeliest tokens it is at most
 * 1.
 */
function isNormalized(row: PairedRow, values: Float32Array): boolean {
  if (row.logSumExp !== undefined) return Math.abs(row.logSumExp) <= NORMALIZED;
  return logSumExp(values) <= NORMALIZED;
}

function isMostlyRight({ expected, columns, values, offset }: PairedRow, noise: RowNoise): boolean {
  const bound = tolerance(expected.rowMax, noise.logits);
  const right = columns.filter(
    (column, i) => Math.abs(values[i] + offset - expected.logits[column]) <= bound,
  );
  return right.length > columns.length / 2;
}

function medianDistance({ expected, columns, values }: PairedRow): number {
  const distances = Float64Array.from(columns, (column, i) => expected.logits[column] - values[i]).sort();
  return distances[distances.length >> 1];
}

function* differencesOf(row: PairedRow, noise: RowNoise): Generator<Difference> {
  const { expected, columns, offset } = row;
  const { position } = expected;
  const bound = tolerance(expected.rowMax, noise.logits);
  const sum = row.logSumExp === undefined ? expected.logSumExp : row.logSumExp + offset;
  for (const [i, column] of columns.entries()) {
    const index = expected.ids[column];
    const [got, logit] = [row.values[i] + offset, expected.logits[column]];
    if (!(Math.abs(got - logit) <= bound)) {
      yield { what: 'logits', position, index, got, expected: logit, tolerance: bound };
    }
    const [p, expectedP] = [Math.exp(got - sum), Math.exp(logit - expected.logSumExp)];
    const boundP = probabilityTolerance(expectedP, noise.probabilities);
    if (!(Math.abs(p - expectedP) <= boundP)) {
      yield { what: 'probability', position, index, got: p, expected: expectedP, tolerance: boundP };
    }
  }
  if (row.least !== undefined) yield* missingTokens(row, row.least + offset, bound);
}

/** Tokens that the golden has, the row lacks, and that are likelier than the least token of the row. */
function* missingTokens(
  { expected, columns }: PairedRow,
  least: number,
  bound: number,
): Generator<Difference> {
  const shown = new Set(columns.map((column) => expected.ids[column]));
  const { position } = expected;
  for (const [column, index] of expected.ids.entries()) {
    const logit = expected.logits[column];
    // Both the least score and this one may be off by the bound.
    if (shown.has(index) || logit - least <= 2 * bound) continue;
    yield { what: MISSING_TOKEN, position, index, got: least, expected: logit, tolerance: 2 * bound };
  }
}
