import { GroupError } from '../../errors.ts';

/** What ended a group, in the words that every rank uses. */
export interface Verdict {
  readonly message: string;
  /** The ranks at fault, ascending. */
  readonly ranks: readonly number[];
}

/** What the main thread is blocked in. */
export interface Wait {
  readonly peer: number;
  readonly direction: 'read' | 'write';
  /** Differs from one wait to the next. */
  readonly count: number;
  /** `Infinity` for one that may last. */
  readonly timeoutMs: number;
}

const CELL = { failed: 0, noticed: 1, peer: 2, direction: 3, count: 4, timeoutMs: 5, verdictBytes: 6 };
const CELLS = Object.keys(CELL).length;
const MAX_VERDICT_BYTES = 8192;
const NOBODY = -1;
const FOREVER = -1;

/**
 * Memory between the main thread of a rank, which blocks in reads and writes of its FIFOs, and the thread beside it,
 * which hears of failures and can end that wait.
 */
export class WaitState {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;
  readonly #text: Uint8Array;

  /** @param buffer of the WaitState of another thread; a new one by default. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(CELLS * 4 + MAX_VERDICT_BYTES);
    this.#cells = new Int32Array(this.buffer, 0, CELLS);
    this.#text = new Uint8Array(this.buffer, CELLS * 4);
    if (!buffer) this.#cells[CELL.peer] = NOBODY;
  }

  /** Called by the main thread before a system call that may block. @throws GroupError once the group has failed. */
  begin(peer: number, direction: Wait['direction'], timeoutMs: number): void {
    Atomics.store(this.#cells, CELL.direction, direction === 'read' ? 0 : 1);
    Atomics.store(this.#cells, CELL.timeoutMs, Number.isFinite(timeoutMs) ? timeoutMs : FOREVER);
    Atomics.add(this.#cells, CELL.count, 1);
    // The other thread fails the group first and looks for a wait to end second; this one the other way round.
    Atomics.store(this.#cells, CELL.peer, peer);
    this.throwIfFailed();
  }

  /** Called by the main thread after that call. @throws GroupError if it was ended by a failure. */
  end(): void {
    this.throwIfFailed();
    Atomics.store(this.#cells, CELL.peer, NOBODY);
  }

  /** @throws GroupError once the group has failed. */
  throwIfFailed(): void {
    const verdict = this.verdict;
    if (!verdict) return;
    Atomics.store(this.#cells, CELL.peer, NOBODY);
    throw this.notice(verdict);
  }

  /** What the main thread waits for; undefined if it computes. */
  get waiting(): Wait | undefined {
    const peer = Atomics.load(this.#cells, CELL.peer);
    if (peer === NOBODY) return undefined;
    const timeoutMs = Atomics.load(this.#cells, CELL.timeoutMs);
    return {
      peer,
      direction: Atomics.load(this.#cells, CELL.direction) === 0 ? 'read' : 'write',
      count: Atomics.load(this.#cells, CELL.count),
      timeoutMs: timeoutMs === FOREVER ? Number.POSITIVE_INFINITY : timeoutMs,
    };
  }

  /** Fails the group on this rank; only the first verdict counts. Called by the thread beside the main one. */
  fail({ message, ranks }: Verdict): void {
    if (Atomics.load(this.#cells, CELL.failed) !== 0) return;
    const verdict: Verdict = { message: message.slice(0, MAX_VERDICT_BYTES / 8), ranks };
    const { written } = new TextEncoder().encodeInto(JSON.stringify(verdict), this.#text);
    this.#cells[CELL.verdictBytes] = written;
    Atomics.store(this.#cells, CELL.failed, 1);
    Atomics.notify(this.#cells, CELL.failed);
  }

  /** Undefined while the group is well. */
  get verdict(): Verdict | undefined {
    if (Atomics.load(this.#cells, CELL.failed) === 0) return undefined;
    const text = Buffer.from(this.#text.slice(0, this.#cells[CELL.verdictBytes])).toString();
    return JSON.parse(text) as Verdict;
  }

  /** Waits until the group has failed, at most so many ms. */
  waitForVerdict(timeoutMs: number): Verdict | undefined {
    Atomics.wait(this.#cells, CELL.failed, 0, timeoutMs);
    return this.verdict;
  }

  /** Turns a verdict into the error that the main thread throws. */
  notice({ message, ranks }: Verdict): GroupError {
    Atomics.store(this.#cells, CELL.noticed, 1);
    return new GroupError(message, ranks);
  }

  /** Whether the main thread has been told. */
  get noticed(): boolean {
    return Atomics.load(this.#cells, CELL.noticed) === 1;
  }
}
