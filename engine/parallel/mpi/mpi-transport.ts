import { availableParallelism } from 'node:os';
import { GroupError } from '../../errors.ts';
import { namesOf } from '../agreement.ts';
import type { GroupFailure, Kind, Parts, Transport } from '../transport.ts';
import type { MpiCalls } from './calls.ts';
import type { Connections } from './connections.ts';
import { FailureChannel } from './failure-channel.ts';
import { finalizeHangs, leaveHydra } from './hydra.ts';
import { killLocalRanks } from './local-ranks.ts';
import { type PendingMessage, PointToPoint } from './point-to-point.ts';
import { Poller } from './poller.ts';

/** How long mpirun may take to print what the ranks of a failed group have written, in ms. */
const GRACE_MS = 500;

/** The memory of unfinished messages of failed exchanges, which MPI may still read or write. */
const inFlight: Parts[] = [];

export interface MpiTransportOptions {
  /** Default limit of a wait for another rank, in ms. */
  timeoutMs: number;
  /** Number of ranks on this machine. They poll without sleeping only if each has a core. */
  localSize: number;
  /** The connections to other machines. */
  connections: Pick<Connections, 'poll'>;
}

/** Exchanges messages through MPI: starts all requests at once and polls until they are done. */
export class MpiTransport implements Transport {
  readonly rank: number;
  readonly size: number;
  readonly #mpi: MpiCalls;
  readonly #timeoutMs: number;
  readonly #connections: MpiTransportOptions['connections'];
  readonly #finalizeHangs: boolean;
  readonly #poller: Poller;
  readonly #messages: PointToPoint;
  readonly #failures: FailureChannel;
  /** Ranks that were missing at a time limit. */
  readonly #late = new Set<number>();
  #finalized = false;
  /**
   * Process ids of the other ranks on this machine, by rank. Found through this transport, so set after
   * construction.
   */
  localRanks: ReadonlyMap<number, number> = new Map();

  constructor(mpi: MpiCalls, { timeoutMs, localSize, connections }: MpiTransportOptions) {
    this.rank = mpi.rank;
    this.size = mpi.size;
    this.#mpi = mpi;
    this.#timeoutMs = timeoutMs;
    this.#connections = connections;
    this.#finalizeHangs = localSize < this.size && finalizeHangs(mpi.version, process.env);
    this.#poller = new Poller({ spins: localSize <= availableParallelism() });
    this.#messages = new PointToPoint(mpi);
    this.#failures = new FailureChannel(this.#messages, this.#poller);
  }

  exchange(kind: Kind, outgoing: Parts, incoming: Parts, timeoutMs = this.#timeoutMs): void {
    this.check();
    this.#runOrFail(() => {
      const pending: PendingMessage[] = [];
      try {
        for (const [peer, part] of incoming.entries()) {
          if (part) pending.push(this.#messages.startReceive(kind, part, peer));
        }
        for (const [peer, part] of outgoing.entries()) {
          if (part) pending.push(this.#messages.startSend(kind, part, peer));
        }
        this.#finish(kind, pending, timeoutMs);
      } catch (error) {
        inFlight.push(outgoing, incoming);
        throw error;
      }
    });
  }

  fail(failure: GroupFailure): GroupError {
    return this.#failures.fail(failure, this.#peers);
  }

  check(): void {
    if (this.#failures.failure) throw this.#failures.failure;
  }

  abort(reason: string): never {
    throw this.fail({ message: `Rank ${this.rank} gave up: ${reason}`, ranks: [this.rank] });
  }

  async close(): Promise<void> {
    // The other ranks of a failed group may not close it; they are ended when this process exits.
    if (this.#failures.failure || this.#finalized) return;
    if (!this.#runOrFail(() => this.#closeTogether())) return;
    this.#finalized = true;
    if (this.#finalizeHangs) leaveHydra();
    else this.#mpi.finalize(this.#timeoutMs);
  }

  /** Ends the other ranks if this process exits before it has closed the group. */
  abortUnlessClosed(exitCode: number): void {
    if (this.#finalized) return;
    // Wait, because mpirun drops the ranks' output that it has not printed yet. Probe, because MPI sends the
    // last messages only within its calls.
    const end = performance.now() + GRACE_MS;
    try {
      while (performance.now() < end) {
        this.#mpi.probe(this.rank);
        this.#poller.sleep(1);
      }
    } finally {
      // mpirun may end the ranks with SIGTERM, which a stopped process does not receive.
      killLocalRanks(this.localRanks, this.#late);
      this.#mpi.abort(exitCode || 1);
    }
  }

  /** Runs an operation; a GroupError that it throws becomes the group's failure on all ranks. */
  #runOrFail<T>(operation: () => T): T {
    try {
      return operation();
    } catch (error) {
      throw error instanceof GroupError ? this.fail(error) : error;
    }
  }

  /** @returns whether all ranks have closed the group. */
  #closeTogether(): boolean {
    const peers = this.#peers;
    const sent = peers.map((peer) => this.#messages.startSend('close', new Uint8Array(), peer));
    // This rank may close the group early because of an error of its own, which must not be replaced by
    // another.
    if (!this.#othersClose(peers)) return false;
    const received = peers.map((peer) => this.#messages.startReceive('close', new Uint8Array(), peer));
    this.#finish('close', [...sent, ...received], this.#timeoutMs);
    return true;
  }

  /** Whether all others close the group too; polled, because MPI_Finalize waits for them without a limit. */
  #othersClose(peers: readonly number[]): boolean {
    const waiting = new Set(peers);
    let differs = false;
    this.#until('close', this.#timeoutMs, () => {
      for (const peer of waiting) {
        const kind = this.#messages.probe(peer);
        if (kind === 'close') waiting.delete(peer);
        else differs ||= kind !== undefined;
      }
      return differs ? [] : [...waiting];
    });
    return !differs;
  }

  #finish(kind: Kind, pending: PendingMessage[], timeoutMs: number): void {
    this.#until(kind, timeoutMs, () => {
      // Backwards, because finished messages are removed.
      for (let i = pending.length - 1; i >= 0; i--) {
        if (this.#isDone(pending[i])) pending.splice(i, 1);
      }
      return pending.map(({ peer }) => peer);
    });
  }

  #isDone(message: PendingMessage): boolean {
    const state = this.#messages.test(message);
    if (state !== 'failure') return state === 'done';
    throw this.fail(this.#failures.receive(message.peer));
  }

  /**
   * Polls until no rank is pending.
   *
   * @throws GroupError if ranks are missing at the time limit, or a link is cut.
   */
  #until(kind: Kind, timeoutMs: number, pending: () => readonly number[]): void {
    let pollAfterMs = this.#timeoutMs / 2;
    this.#poller.until(pending, (peers, waitedMs) => {
      const missing = [...new Set(peers)].sort((a, b) => a - b);
      if (waitedMs >= timeoutMs) {
        for (const rank of missing) this.#late.add(rank);
        const seconds = (waitedMs / 1000).toFixed(1);
        throw this.#missing(missing, `has waited ${seconds} s for ${namesOf(missing)} in ${kind}`);
      }
      // A rank that only receives does not notice that a link is cut, so a long wait checks its connections.
      if (timeoutMs > this.#timeoutMs && waitedMs >= pollAfterMs) {
        pollAfterMs = waitedMs + this.#timeoutMs / 2;
        if (!this.#connections.poll()) return;
        const lost = 'has lost a connection to another host while it waited';
        throw this.#missing(missing, `${lost} for ${namesOf(missing)} in ${kind}`);
      }
    });
  }

  /**
   * Fails the group because ranks are missing, and sends that to the ranks of this machine only: a link may
   * be cut, and MPI may end a process that sends over it before the process can report why. Ranks beyond it
   * wait for themselves.
   */
  #missing(ranks: readonly number[], what: string): GroupError {
    const notified = this.#peers.filter((peer) => this.localRanks.has(peer) && !ranks.includes(peer));
    return this.#failures.fail({ message: `Rank ${this.rank} ${what}`, ranks }, notified);
  }

  get #peers(): number[] {
    return [...Array(this.size).keys()].filter((peer) => peer !== this.rank);
  }
}
