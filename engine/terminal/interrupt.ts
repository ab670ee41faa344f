import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { Interrupted } from '../errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type InterruptSignal = (typeof SIGNALS)[number];

/** Where SIGINT and SIGTERM arrive: a {@link SignalReceiver}, or an emitter in tests. */
export type Signals = Pick<NodeJS.EventEmitter, 'once' | 'off'>;

/** The part of `process` that a {@link SignalReceiver} uses. */
export interface SignalHost extends Pick<NodeJS.EventEmitter, 'on' | 'off'> {
  exit(exitCode: number): void;
}

/**
 * Receives SIGINT and SIGTERM from the start of a command to its end. One that comes while no task listens
 * ends the process. Listeners on `process` itself would lose a signal that has arrived when the last of
 * them is taken off and that Node has not dispatched yet.
 */
export class SignalReceiver extends EventEmitter implements Signals {
  readonly #host: SignalHost;

  constructor(host: SignalHost = process) {
    super();
    this.#host = host;
    this.#listen();
  }

  /**
   * Runs a task that blocks the event loop, as reading weights does: meanwhile a signal ends the process as
   * if there were no receiver.
   */
  async whileBlocking<T>(task: () => Promise<T>): Promise<T> {
    // A signal that has arrived is dispatched when the event loop polls: surely before the second turn.
    await turn();
    await turn();
    for (const signal of SIGNALS) this.#host.off(signal, this.#receive);
    try {
      return await task();
    } finally {
      this.#listen();
    }
  }

  readonly #receive = (signal: InterruptSignal): void => {
    if (!this.emit(signal, signal)) this.#host.exit(new Interrupted(signal).exitCode);
  };

  #listen(): void {
    for (const signal of SIGNALS) this.#host.on(signal, this.#receive);
  }
}

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
