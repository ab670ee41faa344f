import type { Reference, ReferenceCase, ReferenceRow, SubjectCase, SubjectRow } from './judgement.ts';
import { center } from './statistics.ts';

/** Ids of a row that are compared, at most: what is less likely says little and is mostly noise. */
const COMPARED = 64;

/** A subject's row beside the reference's. Scores are known up to a constant: differences have mean 0. */
export interface AlignedRow {
  readonly case: string;
  /** The row's index in {@link ReferenceCase.rows}. */
  readonly index: number;
  readonly position: number;
  /** Where the values stand in {@link ReferenceRow.ids}. */
  readonly at: Int32Array;
  /** f64, the subject's log-probabilities less the truth's. */
  readonly error: Float64Array;
}

/** A case that cannot be compared, or not all of it. */
export interface AlignmentProblem {
  readonly case: string;
  readonly position: number;
  readonly got: string;
  readonly expected: string;
}

export interface Alignment {
  readonly rows: readonly AlignedRow[];
  readonly problems: readonly AlignmentProblem[];
}

/** Pairs a subject's rows with the reference's. Rows not finite, empty, doubled or unasked are problems. */
export function align(subject: readonly SubjectCase[], reference: Reference): Alignment {
  const rows: AlignedRow[] = [];
  const problems: AlignmentProblem[] = [];
  const known = new Map(reference.cases.map((one) => [one.id, one]));
  for (const { id, rows: given } of subject) {
    const right = known.get(id);
    const problem = (position: number, got: string, expected: string) =>
      problems.push({ case: id, position, got, expected });
    if (!right) {
      problem(0, `a case "${id}"`, `one of ${[...known.keys()].join(', ')}`);
      continue;
    }
    const seen = new Set<number>();
    const indices = new Map(right.rows.map(({ position }, index) => [position, index]));
    for (const row of given) {
      const index = indices.get(row.position) ?? -1;
      const reason = seen.has(row.position) ? 'a second row for this position' : rowProblem(row);
      seen.add(row.position);
      if (index < 0) problem(row.position, `a row for position ${row.position}`, positionsOf(right));
      else if (reason) problem(row.position, reason, 'finite scores of distinct ids, at least two');
      else rows.push({ case: id, index, position: row.position, ...compareRow(row, right.rows[index]) });
    }
  }
  return { rows, problems };
}

function positionsOf({ rows }: ReferenceCase): string {
  return `rows for ${rows.length} positions from ${rows[0]?.position} to ${rows.at(-1)?.position}`;
}

function rowProblem({ ids, values }: SubjectRow): string | undefined {
  if (values.length < 2) return `${values.length} scores`;
  if (ids && ids.length !== values.length) return `${ids.length} ids for ${values.length} scores`;
  if (ids && new Set(ids).size !== ids.length) return 'an id twice';
  const bad = values.findIndex((value) => !Number.isFinite(value));
  return bad < 0 ? undefined : `${values[bad]} for id ${ids?.[bad] ?? bad}`;
}

/** The likeliest by the subject or by the truth, where both know them. */
function compareRow({ ids, values }: SubjectRow, { ids: rightIds, truth }: ReferenceRow) {
  const place = placesOf(rightIds);
  const own = likeliest(values);
  const least = truth[truth.length - 1];
  const at = new Int32Array(own.length);
  const error = new Float64Array(own.length);
  for (let n = 0; n < own.length; n++) {
    const value = values[own[n]];
    const where = place.get(ids ? ids[own[n]] : own[n]) ?? -1;
    at[n] = where;
    error[n] = value - (where < 0 ? least : truth[where]);
  }
  return { at, error: center(error) };
}

/** Indices of the {@link COMPARED} largest values, the largest first; of equal values the one in front. */
function likeliest(values: Float32Array): Int32Array {
  const order = new Int32Array(Math.min(COMPARED, values.length));
  let length = 0;
  for (let i = 0; i < values.length; i++) {
    if (length === order.length && values[i] <= values[order[length - 1]]) continue;
    if (length < order.length) length++;
    let place = length - 1;
    for (; place > 0 && values[order[place - 1]] < values[i]; place--) order[place] = order[place - 1];
    order[place] = i;
  }
  return order;
}

/** The power check aligns the same rows again and again. */
const PLACES = new WeakMap<Int32Array, ReadonlyMap<number, number>>();

/** Where each id stands in `ids`. */
export function placesOf(ids: Int32Array): ReadonlyMap<number, number> {
  const places = PLACES.get(ids) ?? new Map(Array.from(ids, (id, i) => [id, i]));
  PLACES.set(ids, places);
  return places;
}

/** Rows of the values whose ids are among the truth's first `most`; a row with fewer than two is left out. */
export function restrict(rows: readonly AlignedRow[], most: number): AlignedRow[] {
  return rows.flatMap((row) => {
    const kept = [...row.at.keys()].filter((i) => row.at[i] >= 0 && row.at[i] < most);
    if (kept.length < 2) return [];
    const at = Int32Array.from(kept, (i) => row.at[i]);
    return [{ ...row, at, error: center(Float64Array.from(kept, (i) => row.error[i])) }];
  });
}

/** i32 [rows + 1]: where each row begins in a list of the values of all rows. */
export function startsOf(rows: readonly AlignedRow[]): Int32Array {
  const starts = new Int32Array(rows.length + 1);
  for (const [r, { at }] of rows.entries()) starts[r + 1] = starts[r] + at.length;
  return starts;
}

/**
 * Values by the ids of a row, on the values that are compared, less the mean of those that are known: they
 * are known up to a constant. An id that they do not have counts as the mean.
 *
 * @param valuesOf f32 [m], of a row.
 * @param minusOf f32 [m], subtracted from them. Default: nothing.
 * @returns f64, row after row: where each begins says {@link startsOf}.
 */
export function project(
  rows: readonly AlignedRow[],
  valuesOf: (row: AlignedRow) => Float32Array,
  minusOf?: (row: AlignedRow) => Float32Array,
): Float64Array {
  const projected = new Float64Array(rows.reduce((sum, { at }) => sum + at.length, 0));
  let begin = 0;
  for (const row of rows) {
    const { at } = row;
    const values = valuesOf(row);
    const minus = minusOf?.(row);
    let [sum, known] = [0, 0];
    for (let i = 0; i < at.length; i++) {
      const where = at[i];
      if (where < 0) continue;
      projected[begin + i] = values[where] - (minus ? minus[where] : 0);
      sum += projected[begin + i];
      known++;
    }
    const mean = sum / known;
    for (let i = 0; i < at.length; i++) if (at[i] >= 0) projected[begin + i] -= mean;
    begin += at.length;
  }
  return projected;
}
