import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { FileError } from '../engine/errors.ts';

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
    this.#temporary = join(folder, `${PENDING}.${process.pid}.tmp`);
  }

  /** Where a model's new files go. */
  modelFolder(model: string): string {
    const folder = join(this.#temporary, model);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Notes a case that no prompt asks for any more. */
  addGone(model: string, id: string): void {
    this.#gone.push(join(model, id));
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
 * Moves pending goldens to their places, each file at once, and removes the cases that are gone.
 *
 * @param folder of the goldens.
 * @returns the files that were replaced, added or removed, relative to the folder.
 * @throws FileError if nothing is pending.
 */
export function acceptPending(folder: string): string[] {
  const pending = join(folder, PENDING);
  if (!existsSync(pending)) {
    throw new FileError(`${folder}: nothing is pending; record first, look at what changed, then accept it`);
  }
  const touched: string[] = [];
  for (const id of goneSchema.parse(JSON.parse(readFileSync(join(pending, GONE), 'utf8')))) {
    for (const ending of ['json', 'safetensors']) {
      rmSync(join(folder, `${id}.${ending}`), { force: true });
      touched.push(`${id}.${ending}`);
    }
  }
  for (const model of readdirSync(pending, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    mkdirSync(join(folder, model.name), { recursive: true });
    for (const file of readdirSync(join(pending, model.name)).sort(manifestLast)) {
      renameSync(join(pending, model.name, file), join(folder, model.name, file));
      touched.push(join(model.name, file));
    }
  }
  rmSync(pending, { recursive: true });
  return touched;
}

/** A manifest speaks for the cases beside it: an interruption must not leave it ahead of them. */
function manifestLast(a: string, b: string): number {
  return Number(a === 'manifest.json') - Number(b === 'manifest.json') || (a < b ? -1 : 1);
}
