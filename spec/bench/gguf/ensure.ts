import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { cacheFolder } from '../../../engine/checkpoint/cache-folder.ts';
import { Checkpoint } from '../../../engine/checkpoint/checkpoint.ts';
import { readModelConfig } from '../../../engine/config.ts';
import { architectureMetadata, qwen3Tensors, type TokenizerFile, tokenizerMetadata } from './qwen3.ts';
import { writeGguf } from './writer.ts';

/** What decides the bytes of a GGUF file beside the checkpoint. */
const SOURCES = ['ensure.ts', 'qwen3.ts', 'writer.ts'];

/**
 * A checkpoint as a GGUF file in the folder of fixtures, made if it is not there yet.
 *
 * @returns its path.
 * @throws RangeError if the model is a mixture of experts or has no tokenizer.json, without which llama.cpp loads nothing.
 */
export async function ensureGguf(modelDir: string, folder: string = cacheFolder()): Promise<string> {
  const path = join(folder, 'gguf', `${basename(resolve(modelDir))}-${recipeHash(modelDir)}.gguf`);
  if (existsSync(path)) return path;
  const config = await readModelConfig(modelDir);
  const tokenizer = join(modelDir, 'tokenizer.json');
  if (!existsSync(tokenizer)) {
    throw new RangeError(`${modelDir} has no tokenizer.json, and llama.cpp loads no model without`);
  }
  const metadata = {
    ...architectureMetadata(config, basename(modelDir)),
    ...tokenizerMetadata(JSON.parse(readFileSync(tokenizer, 'utf8')) as TokenizerFile, config),
  };
  mkdirSync(join(folder, 'gguf'), { recursive: true });
  const checkpoint = Checkpoint.open(modelDir);
  try {
    await writeGguf(path, metadata, qwen3Tensors(checkpoint, config));
  } finally {
    checkpoint.close();
  }
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
  for (const file of SOURCES) hash.update(readFileSync(new URL(file, import.meta.url)));
  return hash.digest('hex').slice(0, 12);
}
