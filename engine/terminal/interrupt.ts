import { Interrupted } from '../errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type InterruptSignal = (typeof SIGNALS)[number];

/** Where SIGINT and SIGTERM arrive: `process`, or an emitter in tests. */
export type Signals = Pick<NodeJS.EventEmitter, 'once' | 'off'>;

/**
 * Calls a listener at the first SIGINT or SIGTERM, which then do not end the process by themselves. A second
 * signal ends it at once.
 *
 * @returns a function that stops listening.
 */
export function onInterrupt(signals: Signals, listener: (interrupted: Interrupted) => void): () => void {
  const stopListening = () => {
    for (const signal of SIGNALS) signals.off(signal, receive);
  };
  const receive = (signal: InterruptSignal) => {
    stopListening();
    listener(new Interrupted(signal));
  };
  for (const signal of SIGNALS) signals.once(signal, receive);
  return stopListening;
}

/**
 * Runs a task that ends in order when the process is interrupted.
 *
 * @param task ends as soon as it can once its `AbortSignal` is aborted; the signal's reason is the
 * Interrupted.
 * @throws Interrupted after the task has ended, if there was a signal.
 */
export async function interruptible<T>(
  signals: Signals,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stopListening = onInterrupt(signals, (interrupted) => controller.abort(interrupted));
  try {
    const result = await task(controller.signal);
    controller.signal.throwIfAborted();
    return result;
  } finally {
    stopListening();
  }
}
