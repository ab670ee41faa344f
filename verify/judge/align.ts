import type { Reference, ReferenceCase, ReferenceRow, SubjectCase, SubjectRow } from './judgement.ts';
import { center } from './statistics.ts';

/** Ids of a row that are compared, at most: what is less likely says little and is mostly noise. */
const COMPARED = 64;

/** A subject's row beside the reference's. Scores are known up to a constant: differences have mean 0. */
export interface AlignedRow {
  readonly case: string;
  /** Of the row in {@link ReferenceCase.rows}. */
  readonly index: number;
  readonly position: number;
  /** Of the values, where they stand in {@link ReferenceRow.ids}. */
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
    for (const row of given) {
      const index = right.rows.findIndex(({ position }) => position === row.position);
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
  const order = Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
  const own = order.slice(0, COMPARED);
  const least = truth[truth.length - 1];
  const at: number[] = [];
  const error: number[] = [];
  for (const i of own) {
    const where = place.get(ids ? ids[i] : i) ?? -1;
    at.push(where);
    error.push(values[i] - (where < 0 ? least : truth[where]));
  }
  return { at: Int32Array.from(at), error: center(Float64Array.from(error)) };
}

/** The power check aligns the same rows again and again. */
const PLACES = new WeakMap<Int32Array, ReadonlyMap<number, number>>();

function placesOf(ids: Int32Array): ReadonlyMap<number, number> {
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

/**
 * Values by the ids of a row, on the values that are compared, less their mean. An id that they do not have
 * counts as 0.
 *
 * @param minus is subtracted from them. Default: nothing.
 */
export function project(row: AlignedRow, values: Float32Array, minus?: Float32Array): Float64Array {
  const projected = new Float64Array(row.at.length);
  for (let i = 0; i < projected.length; i++) {
    const where = row.at[i];
    if (where >= 0) projected[i] = values[where] - (minus?.[where] ?? 0);
  }
  return center(projected);
}
