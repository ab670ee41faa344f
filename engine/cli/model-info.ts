import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Checkpoint } from '../checkpoint/checkpoint.ts';
import { countParameters, type ParameterCount } from '../checkpoint/parameters.ts';
import { readModelConfig } from '../checkpoint/read-config.ts';
import { checkWeights } from '../checkpoint/weights.ts';
import type { ModelConfig } from '../config.ts';
import { cacheBytesPerToken } from '../model/kv-cache.ts';
import { templateFilesOf } from '../text/tokenizer-files.ts';

/** What the configuration and the headers of the weights say of a model. */
export interface ModelInfo {
  directory: string;
  /** `config.json` as the engine understands it. */
  config: ModelConfig;
  parameters: ParameterCount;
  /** Bytes of all weights, and by stored dtype. */
  weightBytes: { total: number; byDtype: Record<string, number> };
  /** Bytes of the key/value cache for one position of one sequence. */
  cacheBytesPerToken: number;
  /** The files that the engine reads, optional ones if they exist. */
  files: { name: string; bytes: number }[];
}

const FILES_BESIDE_WEIGHTS = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
];

/**
 * Describes a model directory from its configuration and the headers of its weights, which are checked
 * against each other.
 *
 * @throws ConfigError, CheckpointError as their readers do.
 */
export async function readModelInfo(modelDir: string): Promise<ModelInfo> {
  const config = await readModelConfig(modelDir);
  const checkpoint = Checkpoint.open(modelDir);
  try {
    checkWeights(checkpoint, config);
    const beside = [...FILES_BESIDE_WEIGHTS, ...templateFilesOf(modelDir)];
    const files = [
      ...beside.map((name) => ({ name, path: join(modelDir, name) })),
      ...checkpoint.files.map(({ path }) => ({ name: basename(path), path })),
    ].filter(({ path }) => existsSync(path));
    return {
      directory: modelDir,
      config,
      parameters: countParameters(config),
      weightBytes: weightBytes(checkpoint),
      cacheBytesPerToken: cacheBytesPerToken(config),
      files: files.map(({ name, path }) => ({ name, bytes: statSync(path).size })),
    };
  } finally {
    checkpoint.close();
  }
}

function weightBytes(checkpoint: Checkpoint): ModelInfo['weightBytes'] {
  const byDtype: Record<string, number> = {};
  let total = 0;
  for (const { info } of checkpoint.tensors.values()) {
    const bytes = info.end - info.begin;
    byDtype[info.dtype] = (byDtype[info.dtype] ?? 0) + bytes;
    total += bytes;
  }
  return { total, byDtype };
}
