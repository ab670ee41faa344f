import { createHash, type Hash } from 'node:crypto';
import { HubError } from '../errors.ts';

/** A file as the hub announces it. */
export interface HubFile {
  /** Relative to the repository's root, with `/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Whether it is stored with Git LFS; then `oid` is its SHA-256, else the SHA-1 of its git blob. Lower-case hex. */
  readonly lfs: boolean;
  readonly oid: string;
}

/** What arrived is not what the hub announces: asking for the rest of it would not help. */
export class HubContentError extends HubError {}

/** Compares content with what the hub announces as it passes: a short body may end cleanly, flipped bytes load silently. */
export class ContentCheck {
  readonly #file: HubFile;
  readonly #hash: Hash;
  #size = 0;

  constructor(file: HubFile) {
    this.#file = file;
    this.#hash = createHash(file.lfs ? 'sha256' : 'sha1');
    // A git object is hashed with its kind and length before it.
    if (!file.lfs) this.#hash.update(`blob ${file.size}\0`);
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /**
   * @param from where the content comes from, for messages.
   * @throws HubContentError as soon as the content is too long.
   */
  add(chunk: Uint8Array, from: string): void {
    if (this.#size + chunk.length > this.#file.size) {
      throw new HubContentError(
        `${from}: is longer than the ${this.#file.size} bytes that the hub announces; nothing of it was kept, try again`,
      );
    }
    this.#size += chunk.length;
    this.#hash.update(chunk);
  }

  /** Called once, after the last chunk. @throws HubContentError if the content is short or has another hash. */
  finish(from: string): void {
    const { size, lfs, oid } = this.#file;
    if (this.#size < size) {
      throw new HubContentError(`${from}: ended after ${this.#size} of ${size} bytes; try again`);
    }
    const digest = this.#hash.digest('hex');
    if (digest !== oid) {
      const kind = lfs ? 'SHA-256' : 'git SHA-1';
      throw new HubContentError(
        `${from}: has ${kind} ${digest}, but the hub announces ${oid}; the content was damaged on its way, ` +
          'or HF_ENDPOINT is no faithful mirror; nothing of it was kept, try again',
      );
    }
  }
}

/**
 * Reads content to its end and compares it with what the hub announces.
 *
 * @param from where the content comes from, for messages.
 * @throws HubContentError if it is something else.
 */
export async function verify(content: AsyncIterable<Uint8Array>, file: HubFile, from: string): Promise<void> {
  const check = new ContentCheck(file);
  for await (const chunk of content) check.add(chunk, from);
  check.finish(from);
}
