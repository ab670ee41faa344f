import { readSync, readvSync, writeSync, writevSync } from 'node:fs';
import type { GroupError } from '../../errors.ts';
import { type GroupFailure, KINDS, type Kind, mismatch, type Parts, type Transport } from '../transport.ts';
import type { Fifo, Links } from './fifos.ts';
import type { WaitState } from './wait-state.ts';

/** Kind, number of the message, and its length in two parts; each an int32. */
const HEADER_BYTES = 16;
const LENGTH_BASE = 2 ** 31;

/**
 * A FIFO holds 64 KiB. No rank sends more before it reads, so that no two ranks wait for room in each
 * other's FIFOs.
 */
const PIECE_BYTES = 65_536 - HEADER_BYTES;

/** How long the launcher may take to send a reported failure back to the ranks, in ms. */
const FAILURE_MS = 5000;

/**
 * The thread beside the main one that monitors the other ranks: RankSupervisor in rank 0, LauncherMonitor
 * elsewhere.
 */
export interface GroupMonitor {
  /** Reports a failure of this rank; the group may already have failed for another reason. */
  report(failure: GroupFailure): void;
  /** Leaves the group and ends the thread; rank 0 waits for the other ranks to end. */
  close(): Promise<void>;
}

/** A piece of a message. */
interface Piece {
  readonly kind: Kind;
  /** The whole message. */
  readonly part: Uint8Array;
  /** Where the piece begins; the first one has the header before it. */
  readonly at: number;
  readonly timeoutMs: number;
}

export interface FifoTransportOptions {
  rank: number;
  links: Links;
  state: WaitState;
  monitor: GroupMonitor;
  /** Default limit of a wait for another rank, in ms. */
  timeoutMs: number;
}

/**
 * Exchanges messages through FIFOs, with reads and writes that block in the kernel: nothing spins, so ranks
 * may outnumber cores. Every rank alternates: it sends one piece to all, then reads one piece from all. This
 * cannot deadlock, because the FIFOs from the rank that is furthest behind are empty.
 */
export class FifoTransport implements Transport {
  readonly rank: number;
  readonly size: number;
  readonly #links: Links;
  readonly #state: WaitState;
  readonly #monitor: GroupMonitor;
  readonly #timeoutMs: number;
  readonly #header = new Int32Array(HEADER_BYTES / 4);
  readonly #headerBytes = new Uint8Array(this.#header.buffer);
  /** Number of messages, by peer. */
  readonly #sent: number[];
  readonly #received: number[];
  #closing: Promise<void> | undefined;

  constructor({ rank, links, state, monitor, timeoutMs }: FifoTransportOptions) {
    this.rank = rank;
    this.size = links.incoming.length;
    this.#links = links;
    this.#state = state;
    this.#monitor = monitor;
    this.#timeoutMs = timeoutMs;
    this.#sent = Array(this.size).fill(0);
    this.#received = Array(this.size).fill(0);
  }

  exchange(kind: Kind, outgoing: Parts, incoming: Parts, timeoutMs = this.#timeoutMs): void {
    this.#state.throwIfFailed();
    const longest = Math.max(...[...outgoing, ...incoming].map((part) => part?.length ?? 0));
    for (let at = 0; at === 0 || at < longest; at += PIECE_BYTES) {
      for (const [peer, part] of outgoing.entries()) {
        if (part && (at === 0 || at < part.length)) this.#send(peer, { kind, part, at, timeoutMs });
      }
      for (const [peer, part] of incoming.entries()) {
        if (part && (at === 0 || at < part.length)) this.#receive(peer, { kind, part, at, timeoutMs });
      }
    }
  }

  fail(failure: GroupFailure): GroupError {
    this.#monitor.report(failure);
    return this.#state.acknowledge(this.#state.waitForFailure(FAILURE_MS) ?? failure);
  }

  check(): void {
    this.#state.throwIfFailed();
  }

  abort(reason: string): never {
    throw this.fail({ message: `Rank ${this.rank} gave up: ${reason}`, ranks: [this.rank] });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#monitor.close();
    const { failure, acknowledged } = this.#state;
    // A rank that is itself at fault closes the group because of an error of its own, which must not be
    // replaced.
    if (failure && !acknowledged && !failure.ranks.includes(this.rank))
      throw this.#state.acknowledge(failure);
  }

  #send(peer: number, { kind, part, at, timeoutMs }: Piece): void {
    const { blocking } = this.#links.outgoing[peer] as Fifo;
    const piece = part.subarray(at, at + PIECE_BYTES);
    let sent = 0;
    if (at === 0) {
      this.#setHeader(kind, this.#sent[peer]++, part.length);
      for (sent = -HEADER_BYTES; sent < 0; ) {
        const header = this.#headerBytes.subarray(HEADER_BYTES + sent);
        this.#block(peer, 'write', timeoutMs, () => {
          sent += writevSync(blocking, [header, piece]);
        });
      }
    }
    while (sent < piece.length) {
      this.#block(peer, 'write', timeoutMs, () => {
        sent += writeSync(blocking, piece, sent, piece.length - sent);
      });
    }
  }

  #receive(peer: number, { kind, part, at, timeoutMs }: Piece): void {
    const { blocking } = this.#links.incoming[peer] as Fifo;
    const piece = part.subarray(at, at + PIECE_BYTES);
    let received = 0;
    if (at === 0) {
      // The header may arrive in two parts, if the FIFO was nearly full.
      for (received = -HEADER_BYTES; received < 0; ) {
        const header = this.#headerBytes.subarray(HEADER_BYTES + received);
        this.#block(peer, 'read', timeoutMs, () => {
          received += readvSync(blocking, [header, piece]);
        });
      }
      this.#checkHeader(peer, kind, part.length);
    }
    while (received < piece.length) {
      this.#block(peer, 'read', timeoutMs, () => {
        received += readSync(blocking, piece, received, piece.length - received, null);
      });
    }
  }

  /** Makes a system call that may block until another rank reads or writes. */
  #block(peer: number, direction: 'read' | 'write', timeoutMs: number, call: () => void): void {
    this.#state.begin(peer, direction, timeoutMs);
    call();
    this.#state.end();
  }

  #setHeader(kind: Kind, count: number, bytes: number): void {
    this.#header[0] = KINDS.indexOf(kind);
    this.#header[1] = count;
    this.#header[2] = bytes % LENGTH_BASE;
    this.#header[3] = Math.floor(bytes / LENGTH_BASE);
  }

  #checkHeader(peer: number, kind: Kind, bytes: number): void {
    const found = {
      kind: KINDS[this.#header[0]],
      bytes: this.#header[2] + this.#header[3] * LENGTH_BASE,
    };
    const inOrder = this.#header[1] === (this.#received[peer]++ | 0);
    if (inOrder && found.kind === kind && found.bytes === bytes) return;
    throw this.fail(mismatch(this.rank, peer, { kind, bytes }, found));
  }
}
