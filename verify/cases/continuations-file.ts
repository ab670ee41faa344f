import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeWhole } from '../../engine/terminal/write-whole.ts';

/** Greedy tokens after prompts, in the order of the prompts. */
const contents = z.strictObject({ tokens: z.array(z.array(z.int().nonnegative())) });

/** @returns undefined if there is no such file, or another one: it is then written anew. */
export function readContinuations(path: string): number[][] | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return contents.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data?.tokens;
  } catch {
    return undefined;
  }
}

/** @throws FileError if the file cannot be written; no half of it is left. */
export function writeContinuations(path: string, tokens: readonly (readonly number[])[]): void {
  writeWhole(path, JSON.stringify({ tokens }));
}
