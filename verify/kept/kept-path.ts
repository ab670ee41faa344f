import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../engine/checkpoint/cache-folder.ts';
import { type ModelHashOptions, modelHash } from './model-hash.ts';

/** The modules that compute, from this folder: what other versions of them have computed is not used. */
const SOURCES = [
  '../reference',
  '../signatures',
  '../../engine/model',
  '../../engine/kernels',
  '../../engine/kernels/build',
];

export interface KeptPathOptions extends Pick<ModelHashOptions, 'signal' | 'onRead'> {
  readonly modelDir: string;
  /** Everything that the computation depends on beside the model; JSON. */
  readonly question: unknown;
  /** The extension, with its dot. */
  readonly extension: string;
  /** Where results are kept. Default: `references` in the project's cache. */
  readonly folder?: string;
}

/**
 * Where a result of our engine is kept: by the hash of the model's configuration and weights, the question,
 * and the modules that compute it.
 *
 * @throws as {@link modelHash}.
 */
export async function keptPath(options: KeptPathOptions): Promise<string> {
  const { modelDir, question, extension, folder = join(cacheFolder(), 'references'), ...rest } = options;
  const hash = createHash('sha256').update(JSON.stringify(question));
  for (const source of SOURCES) {
    const path = join(import.meta.dirname, source);
    const modules = readdirSync(path).filter((file) => /(?<!\.d)\.[jt]s$|\.wasm$/.test(file));
    for (const file of modules.sort()) hash.update(readFileSync(join(path, file)));
  }
  hash.update(await modelHash(modelDir, { ...rest, folder }));
  return join(folder, hash.digest('hex').slice(0, 32) + extension);
}
