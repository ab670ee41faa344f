import { Worker, type WorkerOptions } from 'node:worker_threads';
import { ResourceError } from '../errors.ts';
import { addressSpaceLeft } from './address-space.ts';
import { describeShortage } from './shortage.ts';

/**
 * Address space of a thread, in bytes: V8 reserves it for code and objects, measured at 580 to 630 MiB on
 * x64. Where it gets less, it does not throw but aborts the process.
 */
const THREAD_BYTES = 640 * 2 ** 20;

/** Threads that have been started and have not reserved their address space yet, as far as is known. */
let numStarting = 0;

/**
 * Starts a thread.
 *
 * @param program of the thread.
 * @param room bytes of address space that are left; injected by tests.
 * @throws ResourceError if the user may start no more threads, or there is too little address space. Too few
 * descriptors are an error event of the thread.
 */
export function startThread(program: URL, options?: WorkerOptions, room = addressSpaceLeft()): Worker {
  const needed = (numStarting + 1) * THREAD_BYTES;
  if (room < needed) {
    const mebibytes = (bytes: number) => `${Math.max(0, Math.floor(bytes / 2 ** 20))} MiB`;
    throw new ResourceError(
      `a thread needs ${mebibytes(THREAD_BYTES)} of address space, and ${mebibytes(room - needed + THREAD_BYTES)} ` +
        'are left; raise the limit: ulimit -v',
    );
  }
  let thread: Worker;
  try {
    thread = new Worker(program, options);
  } catch (cause) {
    throw new ResourceError(`a thread could not be started: ${describeShortage(cause)}`, { cause });
  }
  numStarting++;
  let isStarting = true;
  const started = () => {
    if (isStarting) numStarting--;
    isStarting = false;
  };
  thread.once('online', started).once('exit', started);
  return thread;
}
