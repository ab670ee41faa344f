import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { cacheFolder } from '../../../engine/checkpoint/cache-folder.ts';
import { Checkpoint } from '../../../engine/checkpoint/checkpoint.ts';
import type { GgufWeightType } from '../../../generator/export/gguf/tensors.ts';
import { writeGgufModel } from '../../../generator/export/gguf/write-model.ts';

/** What decides the bytes of a GGUF file beside the checkpoint. */
const SOURCES = new URL('../../../generator/export/gguf/', import.meta.url);

/** What {@link ensureGguf} makes, and where. */
export interface EnsureGgufOptions {
  /** The type of the matrices. Default: as each is stored. */
  type?: GgufWeightType;
  /** Default: the folder of fixtures. */
  folder?: string;
}

/**
 * A checkpoint as a GGUF file, made if it is not there yet.
 *
 * @returns its path.
 * @throws what `writeGgufModel` throws.
 */
export async function ensureGguf(
  modelDir: string,
  { type, folder = cacheFolder() }: EnsureGgufOptions = {},
): Promise<string> {
  const name = basename(resolve(modelDir));
  const path = join(folder, 'gguf', `${name}-${type ?? 'stored'}-${recipeHash(modelDir)}.gguf`);
  if (existsSync(path)) return path;
  mkdirSync(join(folder, 'gguf'), { recursive: true });
  await writeGgufModel(modelDir, path, { type });
  return path;
}

/** Twelve digits that change with the checkpoint's files or with the code that reads them. */
function recipeHash(modelDir: string): string {
  const hash = createHash('sha256').update(resolve(modelDir));
  const checkpoint = Checkpoint.open(modelDir);
  checkpoint.close();
  for (const { path } of checkpoint.files) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path} ${size} ${mtimeMs}`);
  }
  for (const file of readdirSync(SOURCES).sort()) hash.update(readFileSync(new URL(file, SOURCES)));
  return hash.digest('hex').slice(0, 12);
}
