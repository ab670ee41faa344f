import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { GroupFailure } from '../transport.ts';
import { onMessage, sendMessage, type Task, type ToRank } from './control.ts';
import { inheritedLinks } from './fifos.ts';
import { WaitInterrupter } from './wait-interrupter.ts';
import { WaitState } from './wait-state.ts';
import { tickMsOf, WaitTimer } from './wait-timer.ts';

/** The `workerData` of this thread. */
export interface MonitorData {
  readonly rank: number;
  readonly size: number;
  readonly state: SharedArrayBuffer;
}

/** Messages from the main thread. */
export type ToMonitor = { type: 'joined' } | { type: 'failed'; failure: GroupFailure } | { type: 'left' };
/** Messages to the main thread. */
export type FromMonitor =
  | { type: 'task'; task: Task }
  | { type: 'start' }
  | { type: 'failed' }
  | { type: 'closed' };

const CONTROL_DESCRIPTOR = 3;

/** How long the main thread may take to report the failure and exit. */
const GRACE_MS = 2000;

/**
 * The thread beside the main one of a launched rank. While the main thread is blocked, it receives the
 * launcher's messages and reports what the main thread waits for. When the group has failed, it interrupts
 * the wait, and kills the process if that does not end it.
 */
class LauncherMonitor {
  readonly #state: WaitState;
  readonly #interrupter: WaitInterrupter;
  readonly #control = new Socket({ fd: CONTROL_DESCRIPTOR, readable: true, writable: true });
  #silentMs = 0;
  #left = false;

  constructor({ rank, size, state }: MonitorData) {
    this.#state = new WaitState(state);
    this.#interrupter = new WaitInterrupter(this.#state, inheritedLinks(rank, size));
    onMessage<ToRank>(this.#control, (message) => this.#receive(message));
    this.#control.once('close', () => {
      if (this.#left) this.#post({ type: 'closed' });
      else this.#fail({ message: 'Rank 0, which launched the group, has ended', ranks: [0] });
    });
    parentPort?.on('message', (message: ToMonitor) => {
      sendMessage(this.#control, message);
      if (message.type === 'left') this.#leave();
    });
  }

  /** Closes the control socket after its last message. */
  #leave(): void {
    this.#left = true;
    this.#control.end();
  }

  #receive(message: ToRank): void {
    this.#silentMs = 0;
    if (message.type === 'failed') this.#fail(message.failure);
    if (message.type === 'start') this.#post(message);
    if (message.type === 'task') {
      this.#monitor(message.task.timeoutMs);
      this.#post(message);
    }
  }

  #monitor(timeoutMs: number): void {
    const tickMs = tickMsOf(timeoutMs);
    const timer = new WaitTimer(this.#state, tickMs);
    // From now on the launcher expects signs of life, also while the main thread imports its modules.
    sendMessage(this.#control, { type: 'heartbeat' });
    setInterval(() => {
      const { elapsedMs, wait } = timer.tick();
      this.#silentMs += elapsedMs;
      if (!this.#left) sendMessage(this.#control, { type: 'heartbeat', wait });
      if (this.#silentMs < timeoutMs) return;
      const seconds = (timeoutMs / 1000).toFixed(1);
      this.#fail({
        message: `Rank 0, which launched the group, has given no sign of life for ${seconds} s`,
        ranks: [0],
      });
    }, tickMs);
  }

  #fail(failure: GroupFailure): void {
    if (this.#state.failure) return;
    this.#state.fail(failure);
    this.#interrupter.interrupt();
    this.#post({ type: 'failed' });
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS);
  }

  #post(message: FromMonitor): void {
    parentPort?.postMessage(message);
  }
}

new LauncherMonitor(workerData as MonitorData);
