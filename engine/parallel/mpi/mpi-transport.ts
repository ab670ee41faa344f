import { availableParallelism } from 'node:os';
import { GroupError } from '../../errors.ts';
import { KINDS, type Kind, mismatch, type Parts, type Transport } from '../transport.ts';
import type { MpiCalls } from './calls.ts';

/** A tag is the kind and the number of the message modulo this; MPI guarantees tags up to 32 767. */
const COUNTED = 4096;

/** How long a rank that has a core to itself looks again and again before it sleeps, in ms. */
const SPIN_MS = 0.2;
/** How long it sleeps at a time, in ms; the system adds some 60 µs of its own. */
const SLEEP_MS = 0.02;

/** The largest message of an MPI call with an int count. */
const MAX_BYTES = 2 ** 31 - 1;

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
  readonly #spinMs: number;
  readonly #sleep = new Int32Array(new SharedArrayBuffer(4));
  /** Messages by peer. */
  readonly #sent: number[];
  readonly #received: number[];
  #failure: GroupError | undefined;
  #finalized = false;

  constructor(mpi: MpiCalls, { timeoutMs, localSize }: MpiTransportOptions) {
    this.rank = mpi.rank;
    this.size = mpi.size;
    this.#mpi = mpi;
    this.#timeoutMs = timeoutMs;
    this.#spinMs = localSize <= availableParallelism() ? SPIN_MS : 0;
    this.#sent = Array(this.size).fill(0);
    this.#received = Array(this.size).fill(0);
  }

  exchange(kind: Kind, outgoing: Parts, incoming: Parts, timeoutMs = this.#timeoutMs): void {
    if (this.#failure) throw this.#failure;
    const pending: Pending[] = [];
    for (const [peer, part] of incoming.entries()) {
      if (!part) continue;
      checkLength(part);
      pending.push({ peer, request: this.#mpi.startReceive(part, peer), receives: part.length });
    }
    for (const [peer, part] of outgoing.entries()) {
      if (!part) continue;
      checkLength(part);
      const tag = tagOf(kind, this.#sent[peer]++);
      pending.push({ peer, request: this.#mpi.startSend(part, peer, tag) });
    }
    try {
      this.#finish(kind, pending, timeoutMs);
    } catch (error) {
      abandoned.push(outgoing, incoming);
      throw error;
    }
  }

  fail(message: string, ranks: readonly number[]): GroupError {
    this.#failure ??= new GroupError(message, ranks);
    return this.#failure;
  }

  abort(reason: string): never {
    throw this.fail(`Rank ${this.rank} gave up: ${reason}`, [this.rank]);
  }

  async close(): Promise<void> {
    // The other ranks of a failed group may never come; they are ended when this process exits.
    if (this.#failure || this.#finalized) return;
    this.#finalized = true;
    this.#mpi.finalize();
  }

  /** Ends the other ranks if this one exits without having left the group in good order. */
  abortUnlessClosed(exitCode: number): void {
    if (!this.#finalized) this.#mpi.abort(exitCode || 1);
  }

  #finish(kind: Kind, pending: Pending[], timeoutMs: number): void {
    const start = performance.now();
    let waited = 0;
    while (pending.length > 0) {
      // Backwards, because what is done is taken out.
      for (let i = pending.length - 1; i >= 0; i--) {
        if (this.#isDone(kind, pending[i])) pending.splice(i, 1);
      }
      if (pending.length === 0) return;
      waited = performance.now() - start;
      if (waited >= timeoutMs) throw this.#tooLate(kind, pending, waited);
      if (waited >= this.#spinMs) Atomics.wait(this.#sleep, 0, 0, SLEEP_MS);
    }
  }

  #isDone(kind: Kind, { peer, request, receives }: Pending): boolean {
    const arrival = this.#test(peer, request);
    if (!arrival) return false;
    if (receives === undefined) return true;
    const tag = tagOf(kind, this.#received[peer]++);
    if (arrival.tag === tag && arrival.bytes === receives) return true;
    const found = { kind: KINDS[Math.floor(arrival.tag / COUNTED)], bytes: arrival.bytes };
    throw this.fail(mismatch(this.rank, peer, { kind, bytes: receives }, found), [peer]);
  }

  #test(peer: number, request: Uint8Array): ReturnType<MpiCalls['test']> {
    try {
      return this.#mpi.test(request);
    } catch (error) {
      const { message } = error as GroupError;
      throw this.fail(`Rank ${this.rank} cannot exchange messages with rank ${peer}: ${message}`, [peer]);
    }
  }

  #tooLate(kind: Kind, pending: readonly Pending[], waitedMs: number): GroupError {
    const ranks = [...new Set(pending.map(({ peer }) => peer))].sort((a, b) => a - b);
    const seconds = (waitedMs / 1000).toFixed(1);
    const names = ranks.map((rank) => `rank ${rank}`).join(', ');
    return this.fail(`Rank ${this.rank} has waited ${seconds} s for ${names} in ${kind}`, ranks);
  }
}

function tagOf(kind: Kind, count: number): number {
  return KINDS.indexOf(kind) * COUNTED + (count % COUNTED);
}

function checkLength({ length }: Uint8Array): void {
  if (length > MAX_BYTES)
    throw new RangeError(`A message of ${length} bytes is more than MPI's ${MAX_BYTES}`);
}
