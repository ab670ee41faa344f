import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FileError } from '../../engine/errors.ts';

/** Recorded goldens wait here, inside the folder of goldens, until a person accepts them. */
export const PENDING = '.pending';

const GONE = 'gone.json';
const goneSchema = z.array(z.string());

/** A folder of pending goldens that is being filled; nobody sees it before {@link publish}. */
export class PendingGoldens {
  readonly #folder: string;
  readonly #temporary: string;
  readonly #gone: string[] = [];

  /** @param folder of the goldens. */
  constructor(folder: string) {
    this.#folder = folder;
    // A process's id comes again, in a container soon: what a killed one left must not be taken for its own.
    this.#temporary = join(folder, `${PENDING}.${randomUUID()}.tmp`);
  }

  /** Where a model's new files go. */
  modelFolder(model: string): string {
    const folder = join(this.#temporary, model);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Notes a file that has no place among the new goldens; it need not exist. */
  addGone(model: string, file: string): void {
    this.#gone.push(join(model, file));
  }

  /** Replaces what was pending before. @returns whether anything is pending now. */
  publish(): boolean {
    const pending = join(this.#folder, PENDING);
    rmSync(pending, { recursive: true, force: true });
    if (!existsSync(this.#temporary) && this.#gone.length === 0) return false;
    mkdirSync(this.#temporary, { recursive: true });
    writeFileSync(join(this.#temporary, GONE), JSON.stringify(this.#gone));
    renameSync(this.#temporary, pending);
    return true;
  }

  /** Forgets everything that was not published. */
  discard(): void {
    rmSync(this.#temporary, { recursive: true, force: true });
  }
}

/**
 * Moves pending goldens to their places, each file at once, and removes the ones that are gone. Interrupted and done
 * again, it goes on where it was.
 *
 * @param folder of the goldens.
 * @returns the files that were replaced, added or removed, relative to the folder.
 * @throws FileError if nothing is pending, or a file cannot be moved or removed.
 */
export function acceptPending(folder: string): string[] {
  const pending = join(folder, PENDING);
  if (!existsSync(pending)) {
    throw new FileError(`${folder}: nothing is pending; record first, look at what changed, then accept it`);
  }
  try {
    const touched: string[] = [];
    for (const model of readdirSync(pending, { withFileTypes: true })) {
      if (!model.isDirectory()) continue;
      mkdirSync(join(folder, model.name), { recursive: true });
      for (const file of readdirSync(join(pending, model.name)).sort(manifestLast)) {
        renameSync(join(pending, model.name, file), join(folder, model.name, file));
        touched.push(join(model.name, file));
      }
    }
    // Only now, when no manifest speaks for them any more.
    for (const file of goneFiles(pending)) {
      if (!existsSync(join(folder, file))) continue;
      rmSync(join(folder, file));
      touched.push(file);
    }
    rmSync(pending, { recursive: true });
    return touched;
  } catch (cause) {
    throw new FileError(
      `${pending}: cannot be accepted (${(cause as Error).message}); what is left of it is still pending`,
      { cause },
    );
  }
}

function goneFiles(pending: string): string[] {
  const list = join(pending, GONE);
  // The list goes first when a folder that was accepted is removed.
  return existsSync(list) ? goneSchema.parse(JSON.parse(readFileSync(list, 'utf8'))) : [];
}

/** A manifest speaks for the cases beside it: an interruption must not leave it ahead of them. */
function manifestLast(a: string, b: string): number {
  return Number(a === 'manifest.json') - Number(b === 'manifest.json') || (a < b ? -1 : 1);
}
