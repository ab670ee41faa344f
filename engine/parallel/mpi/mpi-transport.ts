import { availableParallelism } from 'node:os';
import { GroupError } from '../../errors.ts';
import { namesOf } from '../agreement.ts';
import { type Kind, mismatch, type Parts, type Transport } from '../transport.ts';
import type { MpiCalls } from './calls.ts';
import type { Connections } from './connections.ts';
import { decodeFailure, encodeFailure, FAILURE_BYTES } from './failure.ts';
import { finalizeHangs, leaveHydra } from './hydra.ts';
import { killNeighbours } from './local-ranks.ts';
import { checkLength, kindOf, tagOf } from './message.ts';

/** How long a rank that has a core to itself looks again and again before it sleeps, in ms. */
const SPIN_MS = 0.2;
/** How long it sleeps at a time, in ms; the system adds some 60 µs of its own. */
const SLEEP_MS = 0.02;
/** The same for a rank that has waited so long that it is idle. */
const IDLE_SLEEP_MS = 1;
const IDLE_AFTER_MS = 100;

/** How long the ranks of a failed group may take to say why they end. */
const GRACE_MS = 500;

/** How long a failure may take to arrive that has been announced, in ms. */
const FAILURE_MS = 1000;

/** What failed exchanges have left under way: MPI may still touch this memory. */
const abandoned: Parts[] = [];

interface Pending {
  readonly peer: number;
  readonly request: Uint8Array;
  /** What is expected of a message that is received. */
  readonly receives?: number;
}

export interface MpiTransportOptions {
  /** How long another rank may stay away, in ms. */
  timeoutMs: number;
  /** Ranks on this machine; more than cores do not spin. */
  localSize: number;
  /** What leads to other machines. */
  connections: Pick<Connections, 'look'>;
}

/**
 * Exchanges messages through MPI. Requests are started all at once and looked at until they are done, because a wait
 * within MPI would know no time limit, and would keep the core from the ranks that share it.
 */
export class MpiTransport implements Transport {
  readonly rank: number;
  readonly size: number;
  readonly #mpi: MpiCalls;
  readonly #timeoutMs: number;
  readonly #connections: MpiTransportOptions['connections'];
  readonly #spinMs: number;
  readonly #finalizeHangs: boolean;
  readonly #sleep = new Int32Array(new SharedArrayBuffer(4));
  /** Messages by peer. */
  readonly #sent: number[];
  readonly #received: number[];
  #failure: GroupError | undefined;
  /** Ranks that did not come in time. */
  readonly #late = new Set<number>();
  #finalized = false;
  /** Process ids of the ranks on this machine, by rank. */
  neighbours: ReadonlyMap<number, number> = new Map();

  constructor(mpi: MpiCalls, { timeoutMs, localSize, connections }: MpiTransportOptions) {
    this.rank = mpi.rank;
    this.size = mpi.size;
    this.#mpi = mpi;
    this.#timeoutMs = timeoutMs;
    this.#connections = connections;
    this.#spinMs = localSize <= availableParallelism() ? SPIN_MS : 0;
    this.#finalizeHangs = localSize < this.size && finalizeHangs(mpi.version, process.env);
    this.#sent = Array(this.size).fill(0);
    this.#received = Array(this.size).fill(0);
  }

  exchange(kind: Kind, outgoing: Parts, incoming: Parts, timeoutMs = this.#timeoutMs): void {
    if (this.#failure) throw this.#failure;
    const pending: Pending[] = [];
    for (const [peer, part] of incoming.entries()) {
      if (part) pending.push(this.#startReceive(part, peer));
    }
    for (const [peer, part] of outgoing.entries()) {
      if (part) pending.push(this.#startSend(kind, part, peer));
    }
    try {
      this.#finish(kind, pending, timeoutMs);
    } catch (error) {
      abandoned.push(outgoing, incoming);
      throw error;
    }
  }

  fail(message: string, ranks: readonly number[]): GroupError {
    return this.#fail(message, ranks, this.#peers);
  }

  abort(reason: string): never {
    throw this.fail(`Rank ${this.rank} gave up: ${reason}`, [this.rank]);
  }

  async close(): Promise<void> {
    // The other ranks of a failed group may never come; they are ended when this process exits.
    if (this.#failure || this.#finalized) return;
    const peers = this.#peers;
    const sent = peers.map((peer) => this.#startSend('close', new Uint8Array(), peer));
    // A rank that leaves too early does so for a reason of its own, which must not be lost.
    if (!this.#othersClose(peers)) return;
    const received = peers.map((peer) => this.#startReceive(new Uint8Array(), peer));
    this.#finish('close', [...sent, ...received], this.#timeoutMs);
    this.#finalized = true;
    if (this.#finalizeHangs) leaveHydra();
    else this.#mpi.finalize(this.#timeoutMs);
  }

  /** Ends the other ranks if this one exits without having left the group in good order. */
  abortUnlessClosed(exitCode: number): void {
    if (this.#finalized) return;
    // mpirun drops what it has not yet passed on of the ranks' last words. And what was sent last may still be here: MPI
    // moves it in calls like the probe.
    const end = performance.now() + GRACE_MS;
    try {
      while (performance.now() < end) {
        this.#mpi.probe(this.rank);
        Atomics.wait(this.#sleep, 0, 0, 1);
      }
    } finally {
      // mpirun may end a group with a signal that a stopped process does not get before it goes on.
      killNeighbours(this.neighbours, this.#late);
      this.#mpi.abort(exitCode || 1);
    }
  }

  #startSend(kind: Kind, part: Uint8Array, peer: number): Pending {
    checkLength(part);
    const tag = tagOf(kind, this.#sent[peer]++);
    return { peer, request: this.#with(peer, () => this.#mpi.startSend(part, peer, tag)) };
  }

  #startReceive(part: Uint8Array, peer: number): Pending {
    checkLength(part);
    const request = this.#with(peer, () => this.#mpi.startReceive(part, peer));
    return { peer, request, receives: part.length };
  }

  /** Whether all others close the group as well. MPI itself would wait for ever for one that does not. */
  #othersClose(peers: readonly number[]): boolean {
    const arrived = (peer: number) => {
      const arrival = this.#mpi.probe(peer);
      return arrival && kindOf(arrival.tag);
    };
    const waiting = new Set(peers);
    let parted = false;
    this.#until('close', this.#timeoutMs, () => {
      for (const peer of waiting) {
        const kind = arrived(peer);
        if (kind === 'close') waiting.delete(peer);
        else parted ||= kind !== undefined;
      }
      return parted ? [] : [...waiting];
    });
    return !parted;
  }

  #finish(kind: Kind, pending: Pending[], timeoutMs: number): void {
    this.#until(kind, timeoutMs, () => {
      // Backwards, because what is done is taken out.
      for (let i = pending.length - 1; i >= 0; i--) {
        if (this.#isDone(kind, pending[i])) pending.splice(i, 1);
      }
      return pending.map(({ peer }) => peer);
    });
  }

  /** Looks until there is nobody left to wait for. @throws GroupError that names those who did not come in time. */
  #until(kind: Kind, timeoutMs: number, look: () => readonly number[]): void {
    const start = performance.now();
    let lookAfterMs = this.#timeoutMs / 2;
    for (let missing = look(); missing.length > 0; missing = look()) {
      const waited = performance.now() - start;
      if (waited >= timeoutMs) throw this.#tooLate(kind, ascending(missing), waited);
      // A link that is cut shows by itself only to those who send.
      if (timeoutMs > this.#timeoutMs && waited >= lookAfterMs) {
        if (this.#connections.look()) throw this.#cutOff(kind, ascending(missing));
        lookAfterMs = waited + this.#timeoutMs / 2;
      }
      if (waited < this.#spinMs) continue;
      Atomics.wait(this.#sleep, 0, 0, waited < IDLE_AFTER_MS ? SLEEP_MS : IDLE_SLEEP_MS);
    }
  }

  #isDone(kind: Kind, { peer, request, receives }: Pending): boolean {
    const arrival = this.#test(kind, peer, request, receives);
    if (!arrival) return false;
    if (receives === undefined) return true;
    const tag = tagOf(kind, this.#received[peer]++);
    if (arrival.tag === tag && arrival.bytes === receives) return true;
    const found = { kind: kindOf(arrival.tag), bytes: arrival.bytes };
    if (found.kind === 'failure') throw this.#hearFailure(peer);
    throw this.fail(mismatch(this.rank, peer, { kind, bytes: receives }, found), [peer]);
  }

  /** What another rank tells after the announcement; all ranks give the same reason. */
  #hearFailure(peer: number): GroupError {
    const bytes = new Uint8Array(FAILURE_BYTES);
    const request = this.#mpi.startReceive(bytes, peer);
    const end = performance.now() + FAILURE_MS;
    while (!this.#mpi.test(request)) {
      if (performance.now() >= end) {
        abandoned.push([bytes]);
        return this.fail(`Rank ${peer} has failed, and does not say why`, [peer]);
      }
      Atomics.wait(this.#sleep, 0, 0, SLEEP_MS);
    }
    const { message, ranks } = decodeFailure(bytes);
    return this.fail(message, ranks);
  }

  #test(kind: Kind, peer: number, request: Uint8Array, receives = 0): ReturnType<MpiCalls['test']> {
    return this.#with(
      peer,
      () => this.#mpi.test(request),
      `Rank ${peer} sent more than the ${receives} bytes of ${kind} that rank ${this.rank} expected: ` +
        'every rank must make the same calls with the same lengths',
    );
  }

  /** Calls MPI about a rank, which is named if the call fails. */
  #with<T>(peer: number, call: () => T, truncated?: string): T {
    try {
      return call();
    } catch (error) {
      const { message } = error as GroupError;
      // How MPI says it: a message is longer than the memory for it.
      const parted = truncated && /truncated/i.test(message);
      const cannot = `Rank ${this.rank} cannot exchange messages with rank ${peer}: ${message}`;
      throw this.fail(parted ? truncated : cannot, [peer]);
    }
  }

  #cutOff(kind: Kind, missing: readonly number[]): GroupError {
    const lost = 'has lost a connection to another host while it waited';
    return this.#without(missing, `${lost} for ${namesOf(missing)} in ${kind}`);
  }

  #tooLate(kind: Kind, missing: readonly number[], waitedMs: number): GroupError {
    for (const rank of missing) this.#late.add(rank);
    return this.#without(
      missing,
      `has waited ${(waitedMs / 1000).toFixed(1)} s for ${namesOf(missing)} in ${kind}`,
    );
  }

  #without(missing: readonly number[], what: string): GroupError {
    return this.#fail(`Rank ${this.rank} ${what}`, missing, this.#within(missing));
  }

  /**
   * Whom to tell that others have not come: those on this machine. A link may be cut, and MPI may end a process that sends
   * over it, before it can say why; those beyond it wait for themselves.
   */
  #within(missing: readonly number[]): number[] {
    return this.#peers.filter((peer) => this.neighbours.has(peer) && !missing.includes(peer));
  }

  /** The others hear of it when they next wait for this rank, unless it has ended them by then. */
  #fail(message: string, ranks: readonly number[], toTell: readonly number[]): GroupError {
    if (this.#failure) return this.#failure;
    this.#failure = new GroupError(message, ranks);
    const bytes = encodeFailure({ message, ranks });
    abandoned.push([bytes]);
    for (const peer of toTell) {
      try {
        // It may come where any other message is expected: an empty one has room everywhere.
        this.#startSend('failure', new Uint8Array(), peer);
        this.#startSend('failure', bytes, peer);
      } catch {
        // Whom MPI does not reach any more need not be told.
      }
    }
    return this.#failure;
  }

  get #peers(): number[] {
    return [...Array(this.size).keys()].filter((peer) => peer !== this.rank);
  }
}

function ascending(ranks: readonly number[]): number[] {
  return [...new Set(ranks)].sort((a, b) => a - b);
}
