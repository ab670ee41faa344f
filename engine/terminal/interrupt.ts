import type { Io } from '../cli/io.ts';
import { Interrupted } from '../errors.ts';

const INTERRUPTS = ['SIGINT', 'SIGTERM'] as const;
type Interrupt = (typeof INTERRUPTS)[number];

/**
 * Lets a task end in order when the process is told to stop. A second signal ends the process at once.
 *
 * @param task is told by its `AbortSignal`, whose reason is the Interrupted; it ends as soon as it can.
 * @throws Interrupted after the task has ended, if there was a signal.
 */
export async function interruptible<T>(
  signals: Io['signals'],
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stopListening = () => {
    for (const signal of INTERRUPTS) signals.off(signal, listener);
  };
  const listener = (signal: Interrupt) => {
    stopListening();
    controller.abort(new Interrupted(signal));
  };
  for (const signal of INTERRUPTS) signals.once(signal, listener);
  try {
    const result = await task(controller.signal);
    controller.signal.throwIfAborted();
    return result;
  } finally {
    stopListening();
  }
}
