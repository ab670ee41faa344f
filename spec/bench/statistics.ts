/** A summary of repeated measurements. They are skewed, so that it has order statistics and no mean. */
export interface Summary {
  count: number;
  min: number;
  lowerQuartile: number;
  median: number;
  upperQuartile: number;
  max: number;
}

/** Which way is better: tokens per second should be high, times and bytes low. */
export type Direction = 'higher' | 'lower';

/** @throws RangeError if there are no samples, or one of them is not finite. */
export function summarize(samples: readonly number[]): Summary {
  const bad = samples.find((sample) => !Number.isFinite(sample));
  if (samples.length === 0 || bad !== undefined) {
    throw new RangeError(
      `cannot summarise ${samples.length} samples${bad === undefined ? '' : `, one of them ${bad}`}; expected one or more finite numbers`,
    );
  }
  const sorted = samples.toSorted((a, b) => a - b);
  return {
    count: sorted.length,
    min: sorted[0],
    lowerQuartile: quantile(sorted, 0.25),
    median: quantile(sorted, 0.5),
    upperQuartile: quantile(sorted, 0.75),
    max: sorted[sorted.length - 1],
  };
}

/**
 * Interpolates linearly between the two nearest samples (Hyndman & Fan 1996, definition 7).
 *
 * @param sorted ascending, one or more
 * @param part 0 to 1
 */
export function quantile(sorted: readonly number[], part: number): number {
  const position = part * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

/**
 * Runs something again and again until it has taken `leastMs`, but once at least.
 *
 * @param work of one run, in bytes or operations
 * @param now the time in ms
 * @returns work per second.
 */
export function workPerSecond(
  run: () => void,
  { work, leastMs, now = () => performance.now() }: { work: number; leastMs: number; now?: () => number },
): number {
  const begin = now();
  let runs = 0;
  let elapsed = 0;
  do {
    run();
    runs++;
    elapsed = now() - begin;
  } while (elapsed < leastMs);
  return (1000 * runs * work) / elapsed;
}

/** How many times better `value` is than `other`; below 1 it is worse. */
export function timesBetter(value: number, other: number, better: Direction): number {
  return better === 'higher' ? value / other : other / value;
}
