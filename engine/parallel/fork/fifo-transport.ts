import { readSync, readvSync, writeSync, writevSync } from 'node:fs';
import type { GroupError } from '../../errors.ts';
import { KINDS, type Kind, mismatch, type Parts, type Transport } from '../transport.ts';
import type { Fifo, Links } from './fifos.ts';
import type { WaitState } from './wait-state.ts';

/** Kind, number of the message, and its length in two halves; each an int32. */
const HEADER_BYTES = 16;
const LENGTH_BASE = 2 ** 31;

/** What a FIFO of the usual 64 KiB holds. A rank never sends more before it reads, so that no two wait for room. */
const PIECE_BYTES = 65_536 - HEADER_BYTES;

/** How long the launcher may take to pass on what a rank has reported, in ms. */
const VERDICT_MS = 5000;

/** The thread that watches over the group, as the main thread sees it. */
export interface Watch {
  /** Passes on why this rank cannot go on; the verdict that follows may be another rank's. */
  report(message: string, ranks: readonly number[]): void;
  /** Ends the watch; resolves when all is done that has to be. */
  close(): Promise<void>;
}

export interface FifoTransportOptions {
  rank: number;
  links: Links;
  state: WaitState;
  watch: Watch;
  /** How long another rank may stay away, in ms. */
  timeoutMs: number;
}

/**
 * Exchanges messages through FIFOs, with reads and writes that block in the kernel: nothing spins, however many ranks
 * share a core. Every rank sends a piece to all, then reads a piece from all, and so on; the rank that is least far
 * finds its FIFOs empty, so it can always go on.
 */
export class FifoTransport implements Transport {
  readonly rank: number;
  readonly size: number;
  readonly #links: Links;
  readonly #state: WaitState;
  readonly #watch: Watch;
  readonly #timeoutMs: number;
  readonly #header = new Int32Array(HEADER_BYTES / 4);
  readonly #headerBytes = new Uint8Array(this.#header.buffer);
  /** Messages by peer. */
  readonly #sent: number[];
  readonly #received: number[];
  #closing: Promise<void> | undefined;

  constructor({ rank, links, state, watch, timeoutMs }: FifoTransportOptions) {
    this.rank = rank;
    this.size = links.incoming.length;
    this.#links = links;
    this.#state = state;
    this.#watch = watch;
    this.#timeoutMs = timeoutMs;
    this.#sent = Array(this.size).fill(0);
    this.#received = Array(this.size).fill(0);
  }

  exchange(kind: Kind, outgoing: Parts, incoming: Parts, timeoutMs = this.#timeoutMs): void {
    this.#state.throwIfFailed();
    const longest = Math.max(...[...outgoing, ...incoming].map((part) => part?.length ?? 0));
    for (let at = 0; at === 0 || at < longest; at += PIECE_BYTES) {
      for (const [peer, part] of outgoing.entries()) {
        if (part && (at === 0 || at < part.length)) this.#send(peer, kind, part, at, timeoutMs);
      }
      for (const [peer, part] of incoming.entries()) {
        if (part && (at === 0 || at < part.length)) this.#receive(peer, kind, part, at, timeoutMs);
      }
    }
  }

  fail(message: string, ranks: readonly number[]): GroupError {
    this.#watch.report(message, ranks);
    return this.#state.notice(this.#state.waitForVerdict(VERDICT_MS) ?? { message, ranks });
  }

  abort(reason: string): never {
    throw this.fail(`Rank ${this.rank} gave up: ${reason}`, [this.rank]);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#watch.close();
    const { verdict, noticed } = this.#state;
    // A rank that leaves too early does so for a reason of its own, which must not be lost.
    if (verdict && !noticed && !verdict.ranks.includes(this.rank)) throw this.#state.notice(verdict);
  }

  #send(peer: number, kind: Kind, part: Uint8Array, at: number, timeoutMs: number): void {
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

  #receive(peer: number, kind: Kind, part: Uint8Array, at: number, timeoutMs: number): void {
    const { blocking } = this.#links.incoming[peer] as Fifo;
    const piece = part.subarray(at, at + PIECE_BYTES);
    let received = 0;
    if (at === 0) {
      // A FIFO that was nearly full may give a header in two parts.
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

  /** Makes a system call that may wait for another rank. */
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
    throw this.fail(mismatch(this.rank, peer, { kind, bytes }, found), [peer]);
  }
}
