/** Something that is measured again and again, in turn with others. */
export interface Contender<T> {
  name: string;
  /** Done once before anything is measured. Default: `run`. */
  warmUp?(): Promise<unknown>;
  run(): Promise<T>;
}

export interface AlternateOptions {
  /** How often each is measured, beside its warm-up. */
  rounds: number;
  /** No round begins after so long, in ms, once there have been two. */
  maxMs: number;
  /** Default `performance.now`. */
  now?: () => number;
}

/** What each contender returned, by name; those that failed have no results. */
export interface Alternated<T> {
  results: Map<string, T[]>;
  failures: Map<string, Error>;
}

/**
 * Measures contenders in turn, so that a machine that becomes slower becomes so for all of them. Every
 * round begins with another one. A contender that fails is left out from then on, and the others go on.
 */
export async function alternate<T>(
  contenders: readonly Contender<T>[],
  { rounds, maxMs, now = () => performance.now() }: AlternateOptions,
): Promise<Alternated<T>> {
  const results = new Map<string, T[]>();
  const failures = new Map<string, Error>();
  const attempt = async ({ name }: Contender<T>, task: () => Promise<unknown>) => {
    if (failures.has(name)) return;
    try {
      await task();
    } catch (error) {
      failures.set(name, error as Error);
      results.delete(name);
    }
  };
  for (const contender of contenders) await attempt(contender, contender.warmUp ?? contender.run);
  const begin = now();
  for (let round = 0; round < rounds; round++) {
    if (round >= 2 && now() - begin >= maxMs) break;
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length];
      await attempt(contender, async () => {
        const result = await contender.run();
        results.set(contender.name, [...(results.get(contender.name) ?? []), result]);
      });
    }
  }
  return { results, failures };
}
