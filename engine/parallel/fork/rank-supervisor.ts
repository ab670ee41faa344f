import { parentPort, workerData } from 'node:worker_threads';
import { namesOf } from '../agreement.ts';
import type { Task } from './control.ts';
import { descriptorsOf, type Fifo, linksOf } from './fifos.ts';
import { RankProcess } from './rank-process.ts';
import { judge, type RankStatus } from './stalled-ranks.ts';
import { WaitInterrupter } from './wait-interrupter.ts';
import { type Verdict, WaitState } from './wait-state.ts';
import { tickMsOf, WaitTimer } from './wait-timer.ts';

/**
 * The thread beside the main one of the launcher. It starts the other ranks and hears of their end also while the main
 * thread is blocked; it alone decides what has gone wrong, so that every rank gives the same reason.
 */
export interface WardenData {
  readonly fifos: readonly (readonly (Fifo | undefined)[])[];
  readonly state: SharedArrayBuffer;
  /** [size] process ids of the ranks that run, 0 for the others. */
  readonly pids: Int32Array;
  readonly task: Task;
  readonly startTimeoutMs: number;
}

export type ToWardenThread = { type: 'failed'; verdict: Verdict } | { type: 'close' };
export type FromWardenThread = { type: 'started' } | { type: 'failed' };

/** How long the ranks of a failed group may take to say why they end. */
const GRACE_MS = 1000;

class RankSupervisor {
  readonly #data: WardenData;
  readonly #state: WaitState;
  readonly #waker: WaitInterrupter;
  readonly #ranks: RankProcess[];
  readonly #clock: WaitTimer;
  #startingMs = 0;
  #closingMs = 0;
  #started = false;
  #closing = false;

  constructor(data: WardenData) {
    this.#data = data;
    this.#state = new WaitState(data.state);
    this.#waker = new WaitInterrupter(this.#state, linksOf(0, data.fifos));
    const tickMs = tickMsOf(data.task.timeoutMs);
    this.#clock = new WaitTimer(this.#state, tickMs);
    this.#ranks = data.fifos
      .map((_, rank) => rank)
      .filter((rank) => rank > 0)
      .map((rank) => this.#start(rank));
    setInterval(() => this.#tick(), tickMs);
    parentPort?.on('message', (message: ToWardenThread) => {
      if (message.type === 'failed') this.#fail(message.verdict);
      else this.#close();
    });
  }

  #start(rank: number): RankProcess {
    const child = new RankProcess({
      rank,
      size: this.#data.fifos.length,
      descriptors: descriptorsOf(linksOf(rank, this.#data.fifos)),
      onMessage: (message) => {
        if (message.type === 'joined') this.#join();
        if (message.type === 'failed') this.#fail(message.verdict);
      },
      onEnd: (how, inOrder) => {
        Atomics.store(this.#data.pids, rank, 0);
        if (!inOrder) this.#fail({ message: `Rank ${rank} ${how}${this.#when}`, ranks: [rank] });
        this.#endIfAlone();
      },
    });
    Atomics.store(this.#data.pids, rank, child.pid ?? 0);
    child.send({ type: 'task', task: this.#data.task });
    return child;
  }

  get #when(): string {
    if (!this.#started) return ' while the group started';
    return this.#closing ? ' while the group ended' : '';
  }

  /** All begin when all are there: none is late because another needs long to load. */
  #join(): void {
    if (!this.#ranks.every(({ joined }) => joined)) return;
    this.#started = true;
    for (const rank of this.#ranks) rank.send({ type: 'start' });
    this.#tell({ type: 'started' });
  }

  #tick(): void {
    const { elapsedMs, waited } = this.#clock.tick();
    for (const rank of this.#ranks) {
      rank.tick(elapsedMs);
      rank.send({ type: 'pulse' });
    }
    if (this.#state.verdict) return;
    const own: RankStatus = { rank: 0, silentMs: 0, left: this.#closing, waited };
    const { timeoutMs } = this.#data.task;
    const verdict = this.#started
      ? (judge([own, ...this.#ranks.map(({ status }) => status)], timeoutMs) ?? this.#lateToEnd(elapsedMs))
      : this.#lateToStart(elapsedMs);
    if (!verdict) return;
    // Whoever is to blame here cannot be told: it is stopped, or busy with something else.
    for (const { rank } of this.#ranks.filter(({ rank }) => verdict.ranks.includes(rank)))
      this.#rank(rank)?.kill();
    this.#fail(verdict);
  }

  #lateToStart(elapsedMs: number): Verdict | undefined {
    this.#startingMs += elapsedMs;
    const ranks = this.#ranks.filter(({ joined }) => !joined).map(({ rank }) => rank);
    if (this.#startingMs < this.#data.startTimeoutMs) return undefined;
    return { message: `Waited ${this.#data.startTimeoutMs} ms for ${namesOf(ranks)} to start`, ranks };
  }

  #lateToEnd(elapsedMs: number): Verdict | undefined {
    const { timeoutMs } = this.#data.task;
    if (this.#closing) this.#closingMs += elapsedMs;
    if (this.#closingMs < timeoutMs) return undefined;
    const ranks = this.#ranks.filter(({ ended }) => !ended).map(({ rank }) => rank);
    return { message: `Waited ${timeoutMs} ms for ${namesOf(ranks)} to end after rank 0`, ranks };
  }

  #rank(rank: number): RankProcess | undefined {
    return this.#ranks.find((child) => child.rank === rank);
  }

  /** Tells everyone what has gone wrong, the first time. */
  #fail(verdict: Verdict): void {
    if (this.#state.verdict) return;
    this.#state.fail(verdict);
    this.#waker.wake();
    for (const rank of this.#ranks) rank.send({ type: 'verdict', verdict });
    this.#tell({ type: 'failed' });
    setTimeout(() => this.#killAll(), GRACE_MS);
  }

  #killAll(): void {
    for (const rank of this.#ranks) if (!rank.ended) rank.kill();
  }

  #close(): void {
    this.#closing = true;
    this.#endIfAlone();
  }

  /** Ends this thread when the group is to end and the last rank has gone. */
  #endIfAlone(): void {
    if (this.#closing && this.#ranks.every(({ ended }) => ended)) process.exit();
  }

  #tell(message: FromWardenThread): void {
    parentPort?.postMessage(message);
  }
}

new RankSupervisor(workerData as WardenData);
