import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { onMessage, sendMessage, type Task, type ToRank } from './control.ts';
import { inheritedLinks } from './fifos.ts';
import { WaitInterrupter } from './wait-interrupter.ts';
import { type Verdict, WaitState } from './wait-state.ts';
import { tickMsOf, WaitTimer } from './wait-timer.ts';

/**
 * The thread beside the main one of a rank that was launched. It hears from the launcher also while the main thread is
 * blocked, tells what that waits for, wakes it when the group has failed, and ends the process if that does not help.
 */
export interface WatchdogData {
  readonly rank: number;
  readonly size: number;
  readonly state: SharedArrayBuffer;
}

export type ToWatchdog = { type: 'joined' } | { type: 'failed'; verdict: Verdict } | { type: 'left' };
export type FromWatchdog =
  | { type: 'task'; task: Task }
  | { type: 'start' }
  | { type: 'failed' }
  | { type: 'bye' };

const CONTROL_DESCRIPTOR = 3;

/** How long the main thread may take to end in its own words. */
const GRACE_MS = 2000;

class LauncherMonitor {
  readonly #state: WaitState;
  readonly #waker: WaitInterrupter;
  readonly #control = new Socket({ fd: CONTROL_DESCRIPTOR, readable: true, writable: true });
  #silentMs = 0;
  #left = false;

  constructor({ rank, size, state }: WatchdogData) {
    this.#state = new WaitState(state);
    this.#waker = new WaitInterrupter(this.#state, inheritedLinks(rank, size));
    onMessage<ToRank>(this.#control, (message) => this.#hear(message));
    this.#control.once('close', () => {
      if (this.#left) this.#tell({ type: 'bye' });
      else this.#fail({ message: 'Rank 0, which launched the group, has ended', ranks: [0] });
    });
    parentPort?.on('message', (message: ToWatchdog) => {
      sendMessage(this.#control, message);
      if (message.type === 'left') this.#leave();
    });
  }

  /** Ends when the launcher has heard of it. */
  #leave(): void {
    this.#left = true;
    this.#control.end();
  }

  #hear(message: ToRank): void {
    this.#silentMs = 0;
    if (message.type === 'verdict') this.#fail(message.verdict);
    if (message.type === 'start') this.#tell(message);
    if (message.type === 'task') {
      this.#watch(message.task.timeoutMs);
      this.#tell(message);
    }
  }

  #watch(timeoutMs: number): void {
    const tickMs = tickMsOf(timeoutMs);
    const clock = new WaitTimer(this.#state, tickMs);
    setInterval(() => {
      const { elapsedMs, waited } = clock.tick();
      this.#silentMs += elapsedMs;
      if (!this.#left) sendMessage(this.#control, { type: 'pulse', waited });
      if (this.#silentMs < timeoutMs) return;
      const seconds = (timeoutMs / 1000).toFixed(1);
      this.#fail({
        message: `Rank 0, which launched the group, has given no sign of life for ${seconds} s`,
        ranks: [0],
      });
    }, tickMs);
  }

  #fail(verdict: Verdict): void {
    if (this.#state.verdict) return;
    this.#state.fail(verdict);
    this.#waker.wake();
    this.#tell({ type: 'failed' });
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS);
  }

  #tell(message: FromWatchdog): void {
    parentPort?.postMessage(message);
  }
}

new LauncherMonitor(workerData as WatchdogData);
