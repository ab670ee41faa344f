import { parentPort, workerData } from 'node:worker_threads';
import { LineWriter } from '../../terminal/line-writer.ts';
import { processShortage } from '../../terminal/process-shortage.ts';
import { namesOf } from '../agreement.ts';
import type { GroupFailure } from '../transport.ts';
import type { Task } from './control.ts';
import { descriptorsOf, type Fifo, linksOf } from './fifos.ts';
import { findLateToSpeak } from './late-to-speak.ts';
import { RankProcess } from './rank-process.ts';
import { findStalledRanks, type RankStatus } from './stalled-ranks.ts';
import { WaitInterrupter } from './wait-interrupter.ts';
import { WaitState } from './wait-state.ts';
import { tickMsOf, WaitTimer } from './wait-timer.ts';

/** The `workerData` of this thread. */
export interface SupervisorData {
  readonly fifos: readonly (readonly (Fifo | undefined)[])[];
  readonly state: SharedArrayBuffer;
  /** [size] process ids of the ranks that run; 0 for rank 0 and those that have ended. */
  readonly pids: Int32Array;
  readonly task: Task;
  readonly startTimeoutMs: number;
}

/** Messages from the main thread. */
export type ToSupervisor = { type: 'failed'; failure: GroupFailure } | { type: 'close' };
/** Messages to the main thread. */
export type FromSupervisor = { type: 'started' } | { type: 'failed' };

/** How often a start of a process is tried while a rank does not start, in ms. */
const SHORTAGE_TRY_MS = 1000;
/** How long the ranks of a failed group may take to report the failure and exit. */
const GRACE_MS = 1000;

/**
 * The thread beside the main one of the launcher. It starts the other ranks and sees them exit, also while
 * the main thread is blocked. It alone decides why the group has failed, so that every rank reports the same
 * failure.
 */
class RankSupervisor {
  readonly #data: SupervisorData;
  readonly #state: WaitState;
  readonly #interrupter: WaitInterrupter;
  readonly #ranks: RankProcess[];
  readonly #output = new LineWriter(2);
  readonly #timer: WaitTimer;
  #startingMs = 0;
  #nextTryMs = 0;
  #closingMs = 0;
  #started = false;
  #closing = false;

  constructor(data: SupervisorData) {
    this.#data = data;
    this.#state = new WaitState(data.state);
    this.#interrupter = new WaitInterrupter(this.#state, linksOf(0, data.fifos));
    const tickMs = tickMsOf(data.task.timeoutMs);
    this.#timer = new WaitTimer(this.#state, tickMs);
    this.#ranks = data.fifos
      .map((_, rank) => rank)
      .filter((rank) => rank > 0)
      .map((rank) => this.#start(rank));
    setInterval(() => this.#tick(), tickMs);
    parentPort?.on('message', (message: ToSupervisor) => {
      if (message.type === 'failed') this.#fail(message.failure);
      else this.#close();
    });
  }

  #start(rank: number): RankProcess {
    const child = new RankProcess({
      rank,
      size: this.#data.fifos.length,
      descriptors: descriptorsOf(linksOf(rank, this.#data.fifos)),
      output: this.#output,
      onMessage: (message) => {
        if (message.type === 'joined') this.#join();
        if (message.type === 'failed') this.#fail(message.failure);
      },
      onEnd: (how, leftBefore) => {
        Atomics.store(this.#data.pids, rank, 0);
        if (!leftBefore) this.#fail({ message: `Rank ${rank} ${how}${this.#phase}`, ranks: [rank] });
        this.#exitIfDone();
      },
    });
    Atomics.store(this.#data.pids, rank, child.pid ?? 0);
    child.send({ type: 'task', task: this.#data.task });
    return child;
  }

  get #phase(): string {
    if (!this.#started) return ' while the group started';
    return this.#closing ? ' while the group ended' : '';
  }

  /**
   * Starts all ranks once all have joined, so that no wait includes the time that another rank takes to
   * load.
   */
  #join(): void {
    if (!this.#ranks.every(({ joined }) => joined)) return;
    this.#started = true;
    for (const rank of this.#ranks) rank.send({ type: 'start' });
    this.#post({ type: 'started' });
  }

  #tick(): void {
    const { elapsedMs, wait } = this.#timer.tick();
    for (const rank of this.#ranks) {
      rank.tick(elapsedMs);
      rank.send({ type: 'heartbeat' });
    }
    if (this.#state.failure) return;
    const own: RankStatus = { rank: 0, silentMs: 0, left: this.#closing, wait };
    const { timeoutMs } = this.#data.task;
    const failure = this.#started
      ? (findStalledRanks([own, ...this.#ranks.map(({ status }) => status)], timeoutMs) ??
        this.#lateToEnd(elapsedMs))
      : this.#lateToStart(elapsedMs);
    if (!failure) return;
    // A rank at fault here is stopped or busy, so it cannot react to a message.
    for (const rank of this.#ranks) if (failure.ranks.includes(rank.rank)) rank.kill();
    this.#fail(failure);
  }

  #lateToStart(elapsedMs: number): GroupFailure | undefined {
    this.#startingMs += elapsedMs;
    const { timeoutMs } = this.#data.task;
    // A rank that imports its modules sends heartbeats, and a stopped one none. Before the first message Node
    // itself starts.
    const spoken = this.#ranks
      .filter(({ hasSpoken }) => hasSpoken)
      .map(({ status }) => ({ ...status, wait: undefined }));
    const stalled = findStalledRanks(spoken, timeoutMs);
    if (stalled) return { ...stalled, message: `${stalled.message}${this.#phase}` };
    const mute = this.#ranks.filter(({ hasSpoken }) => !hasSpoken).map((rank) => rank.muteness);
    const late = findLateToSpeak(mute, timeoutMs, () => this.#findShortage());
    if (late) return late;
    const ranks = this.#ranks.filter(({ joined }) => !joined).map(({ rank }) => rank);
    if (this.#startingMs < this.#data.startTimeoutMs) return undefined;
    return { message: `Waited ${this.#data.startTimeoutMs} ms for ${namesOf(ranks)} to start`, ranks };
  }

  /** Tried once a second: a process has to be started for it. */
  #findShortage(): string | undefined {
    if (this.#startingMs < this.#nextTryMs) return undefined;
    this.#nextTryMs = this.#startingMs + SHORTAGE_TRY_MS;
    return processShortage();
  }

  #lateToEnd(elapsedMs: number): GroupFailure | undefined {
    const { timeoutMs } = this.#data.task;
    if (this.#closing) this.#closingMs += elapsedMs;
    if (this.#closingMs < timeoutMs) return undefined;
    const ranks = this.#ranks.filter(({ ended }) => !ended).map(({ rank }) => rank);
    return { message: `Waited ${timeoutMs} ms for ${namesOf(ranks)} to end after rank 0`, ranks };
  }

  /** Sends the group's first failure to all ranks; later ones are ignored. */
  #fail(failure: GroupFailure): void {
    if (this.#state.failure) return;
    this.#state.fail(failure);
    this.#interrupter.interrupt();
    for (const rank of this.#ranks) rank.send({ type: 'failed', failure });
    this.#post({ type: 'failed' });
    setTimeout(() => this.#killAll(), GRACE_MS);
  }

  #killAll(): void {
    for (const rank of this.#ranks) if (!rank.ended) rank.kill();
  }

  #close(): void {
    this.#closing = true;
    this.#exitIfDone();
  }

  /** Ends this thread once the group is closed and the last rank has exited. */
  #exitIfDone(): void {
    if (!this.#closing || !this.#ranks.every(({ ended }) => ended)) return;
    this.#output.drain(GRACE_MS);
    process.exit();
  }

  #post(message: FromSupervisor): void {
    parentPort?.postMessage(message);
  }
}

new RankSupervisor(workerData as SupervisorData);
