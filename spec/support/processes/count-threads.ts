import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { ExecutionContext } from 'ava';

/**
 * Counts the threads that this thread starts from now on.
 *
 * @returns waits until all of them have ended, at most five seconds, and returns how many started and ended.
 */
export function countThreads(
  t: Pick<ExecutionContext, 'teardown'>,
): () => Promise<{ started: number; ended: number }> {
  const threads = { started: 0, ended: 0 };
  const onWorker = (message: unknown) => {
    threads.started++;
    (message as { worker: Worker }).worker.once('exit', () => threads.ended++);
  };
  subscribe('worker_threads', onWorker);
  t.teardown(() => unsubscribe('worker_threads', onWorker));
  return async () => {
    for (let i = 0; i < 500 && threads.ended < threads.started; i++) await sleep(10);
    return threads;
  };
}
