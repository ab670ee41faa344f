import { type Direction, type Summary, summarize, timesBetter } from './statistics.ts';

/** The suites, in the order in which they run. */
export const SUITES = ['kernels', 'latency', 'throughput', 'memory', 'serving', 'serve', 'parallel'] as const;
export type SuiteName = (typeof SUITES)[number];

/** Our own engine, as every suite calls it. */
export const ENGINE = 'Plumbline';

/** The best that the machine allows, by a measurement of the same run. */
export interface Limit {
  value: number;
  /** What it follows from, for a reader. */
  from: string;
}

/** What a suite measured of one subject doing one task. */
export interface Measurement {
  /** What was measured, such as `time per token`; shown in one plot. */
  task: string;
  /** Of the task, such as `batch 4`; subjects are compared within it. */
  variant?: string;
  /** Who did it. */
  subject: string;
  unit: string;
  better: Direction;
  samples: readonly number[];
  limit?: Limit;
}

/** A measurement as it is reported. */
export interface Figure extends Omit<Measurement, 'samples'> {
  suite: SuiteName;
  summary: Summary;
  /** How many times better it is than each other subject at the same task, by the subject's name. */
  timesBetterThan: Readonly<Record<string, number>>;
  /** The part of the limit that it reaches, 1 at best. */
  partOfLimit?: number;
}

/** A subject that could not do something, and why. */
export interface Skipped {
  suite: SuiteName | 'all';
  subject: string;
  reason: string;
}

/** @returns e.g. `time per token, batch 4`. */
export function titleOf({ task, variant }: Pick<Measurement, 'task' | 'variant'>): string {
  return variant === undefined ? task : `${task}, ${variant}`;
}

/** Medians are compared, within a variant of a task. @throws RangeError if a measurement has no samples. */
export function toFigures(suite: SuiteName, measurements: readonly Measurement[]): Figure[] {
  const summaries = measurements.map(({ samples }) => summarize(samples));
  return measurements.map(({ samples: _, ...measurement }, i) => {
    const { better, limit } = measurement;
    const { median } = summaries[i];
    const timesBetterThan: Record<string, number> = {};
    measurements.forEach((other, j) => {
      if (j === i || titleOf(other) !== titleOf(measurement)) return;
      timesBetterThan[other.subject] = timesBetter(median, summaries[j].median, better);
    });
    return {
      ...measurement,
      suite,
      summary: summaries[i],
      timesBetterThan,
      ...(limit ? { partOfLimit: timesBetter(median, limit.value, better) } : {}),
    };
  });
}
