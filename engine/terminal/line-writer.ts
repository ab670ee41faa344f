import { writeSync } from 'node:fs';

/** Bytes that wait for a slow reader, at most. */
const MAX_PENDING = 2 ** 20;
/** How often a full pipe is tried again, in ms. */
const RETRY_MS = 5;

/**
 * Writes lines to a descriptor at once where it takes them. A pipe may be set not to block, and then refuses
 * what it has no room for until its reader comes: such lines wait. For threads other than the main one, whose
 * `process.stderr` goes through the main thread, which may be blocked.
 */
export class LineWriter {
  readonly #fd: number;
  readonly #write: typeof writeSync;
  #pending = Buffer.alloc(0);
  #numLost = 0;
  #retry: NodeJS.Timeout | undefined;

  /** @param write a function to use in place of the system's. */
  constructor(fd: number, write: typeof writeSync = writeSync) {
    this.#fd = fd;
    this.#write = write;
  }

  /** @param line with its line break. Beyond a mebibyte that waits, lines are left out, and counted. */
  write(line: string): void {
    if (this.#pending.length > MAX_PENDING) {
      this.#numLost++;
      return;
    }
    this.#pending = Buffer.concat([this.#pending, Buffer.from(line)]);
    this.#flush();
  }

  /** Writes what waits, as far as the reader takes it within a time. @param limitMs blocks no longer. */
  drain(limitMs: number): void {
    const end = performance.now() + limitMs;
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (this.#flush(); this.#pending.length > 0 && performance.now() < end; this.#flush()) {
      Atomics.wait(never, 0, 0, RETRY_MS);
    }
    clearTimeout(this.#retry);
  }

  #flush(): void {
    clearTimeout(this.#retry);
    try {
      while (this.#pending.length > 0) {
        this.#pending = this.#pending.subarray(this.#write(this.#fd, this.#pending));
        if (this.#pending.length > 0 || this.#numLost === 0) continue;
        this.#pending = Buffer.from(`${this.#numLost} lines were left out, since nothing read them\n`);
        this.#numLost = 0;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
        this.#retry = setTimeout(() => this.#flush(), RETRY_MS);
        return;
      }
      // EPIPE: nothing reads it any more.
      this.#pending = Buffer.alloc(0);
    }
  }
}
