import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { ContentCheck, HubContentError, type HubFile } from './file.ts';

/** A file that is being fetched: what there is of it on the disk, and the hash of that. */
export class PartialFile {
  /** Whether what there is comes from an earlier process, of which nobody knows what it wrote. */
  isInherited = false;
  readonly #file: HubFile;
  readonly #handle: FileHandle;
  #check: ContentCheck;

  private constructor(file: HubFile, handle: FileHandle) {
    this.#file = file;
    this.#handle = handle;
    this.#check = new ContentCheck(file);
  }

  /** Opens what an earlier process left, or begins anew. @throws the errors of the file system. */
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

  /** @throws HubContentError if the file gets longer than it should be. */
  async append(chunk: Uint8Array, from: string): Promise<void> {
    let position = this.size;
    this.#check.add(chunk, from);
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await this.#handle.write(chunk, done, chunk.length - done, position);
      done += bytesWritten;
      position += bytesWritten;
    }
  }

  /** Throws away what there is. */
  async restart(): Promise<void> {
    await this.#handle.truncate();
    this.#check = new ContentCheck(this.#file);
    this.isInherited = false;
  }

  /** The file is whole, and on the disk when this returns. @throws HubContentError if it is not what was announced. */
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
 * Makes a file whole: from what an earlier process left of it, or if that turns out to be wrong from its beginning.
 *
 * @param fill appends what is missing, and throws HubContentError if that cannot be had.
 * @param from where the content comes from, for messages.
 * @throws HubContentError if what was filled in is not what was announced; nothing of it is left. Whatever else `fill`
 * throws passes through, and what there is stays for the next.
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
