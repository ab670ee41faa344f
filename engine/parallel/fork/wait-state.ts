import { GroupError } from '../../errors.ts';
import type { GroupFailure } from '../transport.ts';

/** The read or write that the main thread is blocked in. */
export interface Wait {
  readonly peer: number;
  readonly direction: 'read' | 'write';
  /** Number of this wait, counted from 1. */
  readonly count: number;
  /** `Infinity` for a wait without a limit. */
  readonly timeoutMs: number;
}

const CELL = { failed: 0, acknowledged: 1, peer: 2, direction: 3, count: 4, timeoutMs: 5, failureBytes: 6 };
const CELLS = Object.keys(CELL).length;
const MAX_FAILURE_BYTES = 8192;
const NO_PEER = -1;
const NO_TIMEOUT = -1;

/**
 * Memory shared by the main thread of a rank, which blocks in reads and writes of its FIFOs, and the thread
 * beside it, which learns of failures and can interrupt that wait.
 */
export class WaitState {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #text: Uint8Array;

  /** @param buffer of another thread's WaitState. Default: a new one. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(CELLS * 4 + MAX_FAILURE_BYTES);
    this.#cells = new Int32Array(this.buffer, 0, CELLS);
    this.#text = new Uint8Array(this.buffer, CELLS * 4);
    if (!buffer) this.#cells[CELL.peer] = NO_PEER;
  }

  /**
   * Called by the main thread before a system call that may block.
   *
   * @throws GroupError once the group has failed.
   */
  begin(peer: number, direction: Wait['direction'], timeoutMs: number): void {
    Atomics.store(this.#cells, CELL.direction, direction === 'read' ? 0 : 1);
    Atomics.store(this.#cells, CELL.timeoutMs, Number.isFinite(timeoutMs) ? timeoutMs : NO_TIMEOUT);
    Atomics.add(this.#cells, CELL.count, 1);
    // The other thread first stores a failure, then loads `peer`; this thread stores `peer` first, then
    // loads the failure.
    Atomics.store(this.#cells, CELL.peer, peer);
    this.throwIfFailed();
  }

  /** Called by the main thread after that call. @throws GroupError if a failure interrupted it. */
  end(): void {
    this.throwIfFailed();
    Atomics.store(this.#cells, CELL.peer, NO_PEER);
  }

  /** @throws GroupError once the group has failed. */
  throwIfFailed(): void {
    const failure = this.failure;
    if (!failure) return;
    Atomics.store(this.#cells, CELL.peer, NO_PEER);
    throw this.acknowledge(failure);
  }

  /** The main thread's current wait; undefined while it computes. */
  get waiting(): Wait | undefined {
    const peer = Atomics.load(this.#cells, CELL.peer);
    if (peer === NO_PEER) return undefined;
    const timeoutMs = Atomics.load(this.#cells, CELL.timeoutMs);
    return {
      peer,
      direction: Atomics.load(this.#cells, CELL.direction) === 0 ? 'read' : 'write',
      count: Atomics.load(this.#cells, CELL.count),
      timeoutMs: timeoutMs === NO_TIMEOUT ? Number.POSITIVE_INFINITY : timeoutMs,
    };
  }

  /**
   * Fails the group on this rank; only the first failure counts. Called by the thread beside the main one.
   */
  fail({ message, ranks }: GroupFailure): void {
    if (Atomics.load(this.#cells, CELL.failed) !== 0) return;
    // A UTF-16 unit takes at most six bytes in JSON.
    const failure: GroupFailure = { message: message.slice(0, MAX_FAILURE_BYTES / 8), ranks };
    const { written } = new TextEncoder().encodeInto(JSON.stringify(failure), this.#text);
    this.#cells[CELL.failureBytes] = written;
    Atomics.store(this.#cells, CELL.failed, 1);
    Atomics.notify(this.#cells, CELL.failed);
  }

  /** Undefined unless the group has failed. */
  get failure(): GroupFailure | undefined {
    if (Atomics.load(this.#cells, CELL.failed) === 0) return undefined;
    const text = Buffer.from(this.#text.slice(0, this.#cells[CELL.failureBytes])).toString();
    return JSON.parse(text) as GroupFailure;
  }

  /** Blocks until the group has failed, for at most `timeoutMs`. */
  waitForFailure(timeoutMs: number): GroupFailure | undefined {
    Atomics.wait(this.#cells, CELL.failed, 0, timeoutMs);
    return this.failure;
  }

  /** Called by the main thread. @returns the error to throw for a failure, which counts as acknowledged. */
  acknowledge({ message, ranks }: GroupFailure): GroupError {
    Atomics.store(this.#cells, CELL.acknowledged, 1);
    return new GroupError(message, ranks);
  }

  /** Whether the main thread knows of the failure. */
  get acknowledged(): boolean {
    return Atomics.load(this.#cells, CELL.acknowledged) === 1;
  }
}
