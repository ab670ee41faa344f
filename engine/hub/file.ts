import { createHash, type Hash } from 'node:crypto';
import { HubError } from '../errors.ts';

/** A file as the hub announces it. */
export interface HubFile {
  /** Relative to the repository's root, with `/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Whether it is stored with Git LFS. */
  readonly lfs: boolean;
  /** SHA-256 of an LFS file, else SHA-1 of the git blob; lower-case hex. */
  readonly oid: string;
}

/** The content has another length or hash than the hub announces, so fetching the rest would not help. */
export class HubContentError extends HubError {}

/**
 * Checks the length and hash of content while it is read: truncated or corrupted weights could load without
 * an error.
 */
export class ContentCheck {
  readonly #file: HubFile;
  readonly #hash: Hash;
  #size = 0;

  constructor(file: HubFile) {
    this.#file = file;
    this.#hash = createHash(file.lfs ? 'sha256' : 'sha1');
    // A git object is hashed with a header of its type and length.
    if (!file.lfs) this.#hash.update(`blob ${file.size}\0`);
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /**
   * @param from source of the content, for messages.
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

  /**
   * Must be called once, after the last chunk.
   *
   * @throws HubContentError if the content is too short or has another hash.
   */
  finish(from: string): void {
    const { size, lfs, oid } = this.#file;
    if (this.#size < size) {
      throw new HubContentError(`${from}: ended after ${this.#size} of ${size} bytes; try again`);
    }
    const digest = this.#hash.digest('hex');
    if (digest !== oid) {
      const kind = lfs ? 'SHA-256' : 'git SHA-1';
      throw new HubContentError(
        `${from}: has ${kind} ${digest}, but the hub announces ${oid}; the content was damaged in transit, ` +
          'or HF_ENDPOINT is not a faithful mirror; nothing of it was kept, try again',
      );
    }
  }
}

/**
 * Reads content to its end and checks its length and hash.
 *
 * @param from source of the content, for messages.
 * @throws HubContentError if one of them differs.
 */
export async function verify(content: AsyncIterable<Uint8Array>, file: HubFile, from: string): Promise<void> {
  const check = new ContentCheck(file);
  for await (const chunk of content) check.add(chunk, from);
  check.finish(from);
}
