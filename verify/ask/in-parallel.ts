/**
 * Runs tasks, a few at a time, and returns their results in the order of the items.
 *
 * @param limit tasks at a time, 1 or more.
 * @throws what the first failing task throws; tasks that have not begun are not begun.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const work = async () => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await task(items[index], index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, work));
  const rejected = workers.find((worker) => worker.status === 'rejected');
  if (rejected) throw rejected.reason;
  return results;
}
