import { basename, resolve } from 'node:path';
import { ModelDirectory } from '../../../engine/checkpoint/model-directory.ts';
import { architectureMetadata } from './architecture.ts';
import { type GgufMetadata, uint32 } from './metadata.ts';
import { type GgufWeightType, qwen3Tensors } from './tensors.ts';
import { readTokenizerMetadata } from './tokenizer.ts';
import { type GgufTensor, type WritingProgress, writeGguf } from './writer.ts';

/** llama.cpp's `general.file_type`, by the type of the embedding. */
const FILE_TYPES = { F32: 0, F16: 1, Q8_0: 7, BF16: 32 } as const;
/** The version of the blocks, the only one that llama.cpp still reads. */
const QUANTIZATION_VERSION = 2;

/** What {@link writeGgufModel} takes beside the paths. */
export interface GgufModelOptions {
  /** The type of the matrices. Default: as each is stored. */
  type?: GgufWeightType;
  /** Default: the name of the directory. */
  name?: string;
  onProgress?: WritingProgress;
}

/**
 * Writes a model directory as a GGUF file for llama.cpp and what is built on it: weights, tokenizer and
 * chat template.
 *
 * @throws ConfigError, CheckpointError, TokenizerError, ChatTemplateError if the directory is malformed or
 * llama.cpp could not compute the model; then nothing was written. FileError if the file cannot be written;
 * nothing of it is left.
 */
export async function writeGgufModel(
  modelDir: string,
  path: string,
  options: GgufModelOptions = {},
): Promise<void> {
  const { type, name = basename(resolve(modelDir)), onProgress } = options;
  const model = await ModelDirectory.open(modelDir);
  try {
    const { config, checkpoint } = model;
    const tensors = qwen3Tensors(checkpoint, config, type);
    const metadata = {
      ...architectureMetadata(config, name),
      ...fileMetadata(tensors),
      ...(await readTokenizerMetadata(modelDir, config)),
    };
    await writeGguf(path, metadata, tensors, onProgress);
  } finally {
    model.close();
  }
}

function fileMetadata([embedding]: readonly GgufTensor[]): GgufMetadata {
  return {
    'general.file_type': uint32(FILE_TYPES[embedding.type]),
    ...(embedding.type === 'Q8_0' ? { 'general.quantization_version': uint32(QUANTIZATION_VERSION) } : {}),
  };
}
