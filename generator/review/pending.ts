import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FileError } from '../../engine/errors.ts';
import { isRunning } from '../../engine/terminal/is-running.ts';
import { makeFolder } from '../../engine/terminal/make-folder.ts';

/** The folder inside the goldens' in which recorded goldens wait until a person accepts them. */
export const PENDING = '.pending';

/** The name of a folder that is not published, with the process that writes it. */
const TEMPORARY = /^\.pending\.(\d+)\.[\da-f-]+\.tmp$/;
/** The list of files to remove. */
const REMOVED = 'removed.json';
const removedSchema = z.array(z.string());

/** A folder of pending goldens, under a temporary name until {@link publish}. */
export class PendingGoldens {
  readonly #folder: string;
  readonly #temporary: string;
  readonly #removed: string[] = [];

  /**
   * @param folder of the goldens.
   * @throws FileError if what a killed process has left cannot be removed.
   */
  constructor(folder: string) {
    this.#folder = folder;
    writing(folder, () => removeAbandoned(folder));
    // Process ids are reused, in containers soon, so the folder of a killed process would be taken for this
    // one's.
    this.#temporary = join(folder, `${PENDING}.${process.pid}.${randomUUID()}.tmp`);
  }

  /** The folder for a model's new files. @throws FileError if it cannot be made. */
  modelFolder(model: string): string {
    const folder = join(this.#temporary, model);
    writing(this.#folder, () => makeFolder(folder));
    return folder;
  }

  /** Adds a file to those that {@link acceptPending} removes; it need not exist. */
  addRemoved(model: string, file: string): void {
    this.#removed.push(join(model, file));
  }

  /**
   * Replaces the pending goldens of an earlier run.
   *
   * @returns whether anything is pending now.
   * @throws FileError if they cannot be replaced.
   */
  publish(): boolean {
    return writing(this.#folder, () => this.#publish());
  }

  #publish(): boolean {
    const pending = join(this.#folder, PENDING);
    rmSync(pending, { recursive: true, force: true });
    if (!existsSync(this.#temporary) && this.#removed.length === 0) return false;
    makeFolder(this.#temporary);
    writeFileSync(join(this.#temporary, REMOVED), JSON.stringify(this.#removed));
    renameSync(this.#temporary, pending);
    return true;
  }

  /** Removes everything that is not published. */
  discard(): void {
    rmSync(this.#temporary, { recursive: true, force: true });
  }
}

/** @throws FileError if `write` fails. */
function writing<T>(folder: string, write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw new FileError(
      `cannot write to ${folder} (${(cause as Error).message}); give --folder goldens in a folder that can be written, ` +
        'or --check, which writes nothing',
      { cause },
    );
  }
}

/** Removes the temporary folders of processes that were killed. */
function removeAbandoned(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = name.match(TEMPORARY)?.[1];
    if (pid && !isRunning(Number(pid))) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Moves pending goldens to their places by renaming, and removes the files of removed cases. Called again
 * after an interruption, it continues.
 *
 * @param folder of the goldens.
 * @returns the files that were replaced, added or removed, relative to the folder.
 * @throws FileError if nothing is pending, or a file cannot be moved or removed.
 */
export function acceptPending(folder: string): string[] {
  const pending = join(folder, PENDING);
  if (!existsSync(pending)) {
    throw new FileError(`${folder}: nothing is pending; record first, review the changes, then accept them`);
  }
  try {
    const touched: string[] = [];
    for (const model of readdirSync(pending, { withFileTypes: true })) {
      if (!model.isDirectory()) continue;
      makeFolder(join(folder, model.name));
      for (const file of readdirSync(join(pending, model.name)).sort(manifestLast)) {
        renameSync(join(pending, model.name, file), join(folder, model.name, file));
        touched.push(join(model.name, file));
      }
    }
    // Last, when no manifest lists them any more.
    for (const file of removedFiles(pending)) {
      if (!existsSync(join(folder, file))) continue;
      rmSync(join(folder, file));
      touched.push(file);
    }
    rmSync(pending, { recursive: true });
    return touched;
  } catch (cause) {
    throw new FileError(
      `cannot accept ${pending} (${(cause as Error).message}); the rest of it is still pending`,
      { cause },
    );
  }
}

function removedFiles(pending: string): string[] {
  const list = join(pending, REMOVED);
  // An interrupted removal of the accepted folder may have removed the list first.
  return existsSync(list) ? removedSchema.parse(JSON.parse(readFileSync(list, 'utf8'))) : [];
}

/** A manifest lists the cases beside it, so an interruption must not leave it newer than they are. */
function manifestLast(a: string, b: string): number {
  return Number(a === 'manifest.json') - Number(b === 'manifest.json') || (a < b ? -1 : 1);
}
