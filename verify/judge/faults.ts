import { PRECISION_CLASSES, type PrecisionClass } from '../precision.ts';
import { placesOf } from './align.ts';
import { generatedCases, LEAST_ROWS } from './generated-rows.ts';
import type { Reference, SubjectCase, SubjectRow } from './judgement.ts';
import { median, rmsError } from './statistics.ts';

/** A subject's answers with a fault put in. */
export interface Fault {
  readonly name: string;
  /** Undefined where the answers have nothing that the fault could change. */
  readonly put: (
    subject: readonly SubjectCase[],
    reference: Reference,
    precision: PrecisionClass,
  ) => readonly SubjectCase[] | undefined;
}

/** Ids of a row that noise is measured on. */
const LIKELIEST = 20;
/** A lower class's noise can be distinguished from a class's own if it is at least this many times larger. */
const LOWER_CLASS = 4;

const hasRows = (subject: readonly SubjectCase[]) => subject.some(({ rows }) => rows.length > 1);

/** Changes each case's rows, in order of position. */
const changeRows =
  (change: (rows: readonly SubjectRow[]) => readonly SubjectRow[]): Fault['put'] =>
  (subject) =>
    hasRows(subject)
      ? subject.map((one) => ({ ...one, rows: change(one.rows.toSorted((a, b) => a.position - b.position)) }))
      : undefined;

/** Changes the scores of each row. */
const changeValues = (change: (values: Float32Array) => Float32Array): Fault['put'] =>
  changeRows((rows) => rows.map((row) => ({ ...row, values: change(row.values) })));

/** The row of one position as the answer to another. */
const at = (row: SubjectRow, position: number): SubjectRow => ({ ...row, position });

/** The case with most rows, its rows in order. */
function longest(subject: readonly SubjectCase[]): SubjectCase {
  return subject.reduce((most, one) => (one.rows.length > most.rows.length ? one : most));
}

export const FAULTS: readonly Fault[] = Object.freeze([
  {
    name: 'every row is that of the position before',
    put: changeRows((rows) => rows.map(({ position }, i) => at(rows[Math.max(0, i - 1)], position))),
  },
  {
    name: 'the answers of two cases are exchanged',
    put(subject) {
      const [first, second] = subject.toSorted((a, b) => b.rows.length - a.rows.length);
      if (!second || second.rows.length < 2) return undefined;
      const exchange = (one: SubjectCase, other: SubjectCase) => ({
        ...one,
        rows: one.rows.map((row, i) => (i < other.rows.length ? at(other.rows[i], row.position) : row)),
      });
      return subject.map((one) =>
        one === first ? exchange(first, second) : one === second ? exchange(second, first) : one,
      );
    },
  },
  {
    name: 'a token in the middle of a prompt is dropped',
    put(subject) {
      if (!hasRows(subject)) return undefined;
      const one = longest(subject);
      const rows = one.rows.toSorted((a, b) => a.position - b.position);
      const middle = rows.length >> 1;
      const shifted = rows.map((row, i) =>
        at(rows[i < middle ? i : Math.min(i + 1, rows.length - 1)], row.position),
      );
      return subject.map((other) => (other === one ? { ...one, rows: shifted } : other));
    },
  },
  {
    name: 'the scores of each row are moved on by one token',
    put: changeValues((values) => values.map((_, i) => values[(i + 1) % values.length])),
  },
  { name: 'the scores are doubled', put: changeValues((values) => values.map((value) => 2 * value)) },
  { name: 'the rows are empty', put: changeValues(() => new Float32Array(0)) },
  {
    name: 'one value is NaN',
    put(subject) {
      if (!hasRows(subject)) return undefined;
      const one = longest(subject);
      const [first, ...others] = one.rows;
      const values = first.values.slice();
      values[0] = Number.NaN;
      return subject.map((other) =>
        other === one ? { ...one, rows: [{ ...first, values }, ...others] } : other,
      );
    },
  },
  { name: 'noise of a lower class is added', put: addNoise },
  { name: 'a token of each greedy answer is another', put: exchangeTokens },
  { name: 'the row of each greedy token is that of the token before', put: delayGreedyRows },
]);

/**
 * Puts into each answer another token of its case, where the truth finds it least likely: elsewhere it may be
 * a near-tie. What follows the first token that is not the reference's is not compared and stays.
 */
function exchangeTokens(
  subject: readonly SubjectCase[],
  { cases }: Reference,
): readonly SubjectCase[] | undefined {
  const known = new Map(cases.map((one) => [one.id, one]));
  let isChanged = false;
  const faulty = subject.map((one) => {
    const { id, greedy = [] } = one;
    const right = known.get(id);
    if (!right) return one;
    const { ids, promptLength, rows } = right;
    const flip = greedy.findIndex((token, step) => token !== ids[promptLength + step]);
    const changes = [...new Set(ids)].flatMap((token) =>
      greedy.slice(0, flip < 0 ? undefined : flip).flatMap((own, step) => {
        const row = rows.find(({ position }) => position === promptLength - 1 + step);
        if (!row || token === own) return [];
        return [{ step, token, loss: row.truth[0] - row.truth.at(row.ids.indexOf(token))! }];
      }),
    );
    if (changes.length === 0) return one;
    isChanged = true;
    const { step, token } = changes.reduce((most, each) => (each.loss > most.loss ? each : most));
    return { ...one, greedy: greedy.with(step, token) };
  });
  return isChanged ? faulty : undefined;
}

/** A fault for subjects whose rows of greedy tokens are enough to be judged. */
function delayGreedyRows(
  subject: readonly SubjectCase[],
  reference: Reference,
): readonly SubjectCase[] | undefined {
  const decoded = generatedCases(subject, reference).map(({ rows }) => Math.max(0, rows.length - 1));
  if (decoded.reduce((sum, count) => sum + count, 0) < LEAST_ROWS) return undefined;
  return subject.map((one) =>
    one.greedyRows
      ? { ...one, greedyRows: one.greedyRows.map((_, i, rows) => rows[Math.max(0, i - 1)]) }
      : one,
  );
}

/** Adds the error of a lower class's imitation to each row; below the lowest class, its own times four. */
function addNoise(
  subject: readonly SubjectCase[],
  { cases, imitations }: Reference,
  precision: PrecisionClass,
): readonly SubjectCase[] | undefined {
  if (!hasRows(subject)) return undefined;
  const levelOf = (name: PrecisionClass) =>
    median(
      imitations
        .filter((one) => one.precision === name)
        .flatMap((one) =>
          cases.flatMap(({ id, rows }) =>
            rows.map(({ truth }, r) => rmsError(one.cases.get(id)![r], truth, LIKELIEST)),
          ),
        ),
    );
  const own = levelOf(precision);
  const lower = PRECISION_CLASSES.slice(PRECISION_CLASSES.indexOf(precision) + 1).find(
    (name) => levelOf(name) >= LOWER_CLASS * own,
  );
  const imitation = imitations.find((one) => one.precision === (lower ?? precision));
  if (!imitation) return undefined;
  const factor = lower ? 1 : LOWER_CLASS;
  return subject.map((one) => {
    const right = cases.find(({ id }) => id === one.id);
    if (!right) return one;
    return {
      ...one,
      rows: one.rows.map((row) => {
        const index = right.rows.findIndex(({ position }) => position === row.position);
        if (index < 0) return row;
        const { ids, truth } = right.rows[index];
        const imitated = imitation.cases.get(one.id)![index];
        const place = placesOf(ids);
        const values = row.values.map((value, i) => {
          const where = place.get(row.ids ? row.ids[i] : i);
          return where === undefined ? value : value + factor * (imitated[where] - truth[where]);
        });
        return { ...row, values };
      }),
    };
  });
}
