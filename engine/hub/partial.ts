import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { ContentCheck, HubContentError, type HubFile } from './file.ts';

/** A file that is being fetched: its part on disk, and the hash of that part. */
export class PartialFile {
  /** Whether the part includes bytes of an earlier process, which may be wrong. */
  isInherited = false;
  readonly #file: HubFile;
  readonly #handle: FileHandle;
  #check: ContentCheck;

  private constructor(file: HubFile, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
    this.#check = new ContentCheck(file);
  }

  /** Opens the part that an earlier process left, or an empty file. @throws errors of the file system. */
  static async open(path: string, file: HubFile): Promise<PartialFile> {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT);
    const partial = new PartialFile(file, handle);
    try {
      const { size } = await handle.stat();
      if (size > file.size) await partial.restart();
      else if (size > 0) await partial.#inherit(path);
      return partial;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Bytes so far. */
  get size(): number {
    return this.#check.size;
  }

  /** @throws HubContentError if the file would become longer than announced. */
  async append(chunk: Uint8Array, from: string): Promise<void> {
    let position = this.size;
    this.#check.add(chunk, from);
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await this.#handle.write(chunk, done, chunk.length - done, position);
      done += bytesWritten;
      position += bytesWritten;
    }
  }

  /** Empties the file. */
  async restart(): Promise<void> {
    await this.#handle.truncate();
    this.#check = new ContentCheck(this.#file);
    this.isInherited = false;
  }

  /**
   * Checks the complete file and syncs it to disk.
   *
   * @throws HubContentError if its length or hash is wrong.
   */
  async finish(from: string): Promise<void> {
    this.#check.finish(from);
    await this.#handle.sync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #inherit(path: string): Promise<void> {
    for await (const chunk of this.#handle.createReadStream({ start: 0, autoClose: false })) {
      this.#check.add(chunk, path);
    }
    this.isInherited = true;
  }
}

/**
 * Completes a file from the part that an earlier process left; if that part turns out to be wrong, from the
 * beginning.
 *
 * @param fill appends the rest; throws HubContentError if the hub sends wrong content.
 * @param from source of the content, for messages.
 * @throws HubContentError if the content is wrong even from the beginning; the file is removed. Other errors
 * of `fill` pass through, and the part stays for the next attempt.
 */
export async function fillPartial(
  path: string,
  file: HubFile,
  fill: (partial: PartialFile) => Promise<void>,
  from: string,
): Promise<void> {
  const partial = await PartialFile.open(path, file);
  try {
    for (;;) {
      try {
        await fill(partial);
        await partial.finish(from);
        return;
      } catch (error) {
        if (!(error instanceof HubContentError)) throw error;
        if (!partial.isInherited) {
          await rm(path, { force: true });
          throw error;
        }
        await partial.restart();
      }
    }
  } finally {
    await partial.close();
  }
}
