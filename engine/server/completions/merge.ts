/** Starts a source, which ends when the signal is aborted. */
export type Start<T> = (signal: AbortSignal) => AsyncGenerator<T, void>;

/** A value with the index of its source, and the function that lets the source go on. */
interface Offer<T> {
  readonly index: number;
  readonly value: T;
  readonly take: () => void;
}

/**
 * Runs sources at the same time, and yields what each yields as it comes. A source goes on when its value is
 * taken. Leaving the loop, an error of one source or the signal ends all of them.
 *
 * @throws what the first source that fails throws.
 */
export async function* merge<T>(
  starts: readonly Start<T>[],
  signal: AbortSignal,
): AsyncGenerator<readonly [index: number, value: T], void> {
  if (starts.length === 1) {
    for await (const value of starts[0](signal)) yield [0, value];
    return;
  }
  const leaving = new AbortController();
  const either = AbortSignal.any([signal, leaving.signal]);
  const offers: Offer<T>[] = [];
  const failures: unknown[] = [];
  let numRunning = starts.length;
  let wake = () => {};
  const run = async (start: Start<T>, index: number) => {
    try {
      for await (const value of start(either)) {
        if (leaving.signal.aborted) break;
        await new Promise<void>((take) => {
          offers.push({ index, value, take });
          wake();
        });
      }
    } catch (error) {
      failures.push(error);
    } finally {
      numRunning--;
      wake();
    }
  };
  const runs = starts.map(run);
  try {
    for (;;) {
      if (failures.length > 0) throw failures[0];
      const offer = offers.shift();
      if (offer) {
        offer.take();
        yield [offer.index, offer.value];
      } else if (numRunning === 0) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    leaving.abort();
    for (const { take } of offers) take();
    await Promise.all(runs);
  }
}
