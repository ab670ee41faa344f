import { PRECISION_CLASSES, type PrecisionClass } from '../precision.ts';
import { type AlignedRow, project, startsOf } from './align.ts';
import type { Imitation, Reference } from './judgement.ts';
import { median, rmsOfRows } from './statistics.ts';

/** The errors of the imitations and the noise of their classes, on the values that a subject shows. */
export interface ClassNoise {
  readonly classes: readonly PrecisionClass[];
  /** i32 [rows + 1]: where each row begins in {@link errors}. */
  readonly starts: Int32Array;
  /** By imitation: f64, log-probabilities less the truth's, row after row. */
  readonly errors: ReadonlyMap<Imitation, Float64Array>;
  /** By class, by row: RMS over its imitations in nats, at least a quarter of the median over rows. */
  readonly noise: ReadonlyMap<PrecisionClass, readonly number[]>;
}

/** One imitation can be right by chance in a row; an engine of the class need not be. */
const LEAST = 0.25;

export function classNoise(rows: readonly AlignedRow[], reference: Reference): ClassNoise {
  const truth = new Map(reference.cases.map((one) => [one.id, one.rows]));
  const starts = startsOf(rows);
  const errors = new Map(
    reference.imitations.map((imitation) => [
      imitation,
      project(
        rows,
        (row) => imitation.cases.get(row.case)![row.index],
        (row) => truth.get(row.case)![row.index].truth,
      ),
    ]),
  );
  const classes = PRECISION_CLASSES.filter((name) =>
    reference.imitations.some(({ precision }) => precision === name),
  );
  const noise = new Map(
    classes.map((name) => {
      const own = reference.imitations.filter(({ precision }) => precision === name);
      const each = own.map((imitation) => rmsOfRows(errors.get(imitation)!, starts));
      const raw = rows.map((_, r) => Math.sqrt(each.reduce((sum, of) => sum + of[r] ** 2, 0) / each.length));
      const least = LEAST * median(raw);
      return [name, raw.map((value) => Math.max(value, least, Number.MIN_VALUE))] as const;
    }),
  );
  return { classes, starts, errors, noise };
}
