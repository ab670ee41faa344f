import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelConfig, parseGenerationConfig, parseModelConfig } from '../config.ts';
import { ConfigError, OptionError } from '../errors.ts';
import { parseJsonOf } from '../terminal/read-json.ts';
import { describeCode } from '../terminal/shortage.ts';

/**
 * Reads and validates `config.json` (and `generation_config.json`, if there is one) of a model directory.
 *
 * @throws OptionError if `modelDir` is not a string.
 * @throws ConfigError if a file cannot be read or parsed, or as `parseModelConfig` does.
 */
export async function readModelConfig(modelDir: string): Promise<ModelConfig> {
  if (typeof modelDir !== 'string') {
    throw new OptionError('modelDir', modelDir, 'the path of a model directory');
  }
  const path = join(modelDir, 'config.json');
  const generationPath = join(modelDir, 'generation_config.json');
  const eosTokenId = parseGenerationConfig(await readJson(generationPath, {}), generationPath);
  return parseModelConfig(await readJson(path), { path, eosTokenId });
}

async function readJson(path: string, whenMissing?: unknown): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (whenMissing !== undefined && code === 'ENOENT') return whenMissing;
    const hint = code === 'ENOENT' ? '; a HuggingFace model directory has a config.json' : '';
    throw new ConfigError(`cannot read ${path} (${describeCode(cause)})${hint}`, { cause });
  }
  return parseJsonOf(path, text, ConfigError);
}
