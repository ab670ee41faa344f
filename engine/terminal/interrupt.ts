import type { Signals } from './output.ts';

/** Exit codes by signal: 128 and the signal's number, as shells report them. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type Interrupt = keyof typeof EXIT_CODES;
const INTERRUPTS = Object.keys(EXIT_CODES) as Interrupt[];

/** A signal ended the command; what it had begun is in order. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: Interrupt) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
    this.exitCode = EXIT_CODES[signal];
  }
}

/**
 * Lets a task end in order when the process is told to stop. A second signal ends the process at once.
 *
 * @param task is told by its `AbortSignal`, whose reason is the Interrupted; it ends as soon as it can.
 * @throws Interrupted after the task has ended, if there was a signal.
 */
export async function interruptible<T>(
  signals: Signals,
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
