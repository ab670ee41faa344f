import { createHash } from 'node:crypto';
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

/**
 * Passes the chunks of a file's content through and compares them with what the hub announces: a body may end
 * cleanly and yet be short, and flipped bytes would load silently.
 *
 * @param from where the content comes from, for messages.
 * @throws HubError at the end if length or hash differ, and as soon as the content is too long.
 */
export async function* verified(
  content: AsyncIterable<Uint8Array>,
  file: HubFile,
  from: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash(file.lfs ? 'sha256' : 'sha1');
  // A git object is hashed with its kind and length before it.
  if (!file.lfs) hash.update(`blob ${file.size}\0`);
  let done = 0;
  for await (const chunk of content) {
    done += chunk.length;
    if (done > file.size) {
      throw new HubError(
        `${from}: is longer than the ${file.size} bytes that the hub announces; nothing of it was kept, try again`,
      );
    }
    hash.update(chunk);
    yield chunk;
  }
  if (done < file.size) {
    throw new HubError(
      `${from}: ended after ${done} of ${file.size} bytes; nothing of it was kept, try again`,
    );
  }
  const digest = hash.digest('hex');
  if (digest !== file.oid) {
    const kind = file.lfs ? 'SHA-256' : 'git SHA-1';
    throw new HubError(
      `${from}: has ${kind} ${digest}, but the hub announces ${file.oid}; the content was damaged on its way, ` +
        'or HF_ENDPOINT is no faithful mirror; nothing of it was kept, try again',
    );
  }
}
