import type { Bench } from 'tinybench';

/** One line of a benchmark: a subject against the baseline of the same run. */
export interface BenchResult {
  name: string;
  /** Of the subject and of the baseline, in the same unit; medians. */
  subject: number;
  baseline: number;
  unit: string;
  /** How many times better than the baseline; below 1 is worse. */
  ratio: number;
}

/** @returns the median time of a finished task, in ms. @throws Error if the task failed. */
export function medianMs(bench: Bench, name: string): number {
  const result = bench.getTask(name)?.result;
  if (!result || !('latency' in result))
    throw new Error(`benchmark "${name}" has no result: ${result?.state}`);
  return result.latency.p50;
}

/** A result from two times for the same work. @param perSecond units of work done in that time. */
export function throughput(
  name: string,
  unit: string,
  work: number,
  subjectMs: number,
  baselineMs: number,
): BenchResult {
  const [subject, baseline] = [(work / subjectMs) * 1000, (work / baselineMs) * 1000];
  return { name, unit, subject, baseline, ratio: subject / baseline };
}

/** A table for a terminal. */
export function formatResults(results: readonly BenchResult[]): string {
  const width = Math.max(...results.map(({ name }) => name.length));
  const number = (value: number) => value.toPrecision(4).padStart(9);
  const lines = results.map(
    ({ name, subject, baseline, unit, ratio }) =>
      `${name.padEnd(width)}  ${number(subject)}  ${number(baseline)}  ${unit.padEnd(9)}  ${ratio.toFixed(2)}×`,
  );
  return [`${''.padEnd(width)}    subject   baseline  unit       ratio`, ...lines].join('\n');
}
