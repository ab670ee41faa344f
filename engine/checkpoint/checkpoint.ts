import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError, show } from '../errors.ts';
import { SafetensorsFile, type TensorInfo } from './safetensors.ts';
import { readWeightIndex } from './weight-index.ts';

/** The file of a weight, and its place in it. */
export interface StoredTensor {
  readonly file: SafetensorsFile;
  readonly info: TensorInfo;
}

/**
 * The weights of a HuggingFace model directory: `model.safetensors`, or shards and
 * `model.safetensors.index.json`.
 */
export class Checkpoint {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The safetensors files, in the order of their names. */
  readonly files: readonly SafetensorsFile[];

  private constructor(files: SafetensorsFile[], tensors: Map<string, StoredTensor>) {
    this.files = files;
    this.tensors = tensors;
  }

  /**
   * @throws CheckpointError if there are no weights, a shard is missing or malformed, or index and shards
   * differ.
   */
  static open(modelDir: string): Checkpoint {
    const single = join(modelDir, 'model.safetensors');
    const index = join(modelDir, 'model.safetensors.index.json');
    const sharded = !existsSync(single);
    if (sharded && !existsSync(index)) {
      throw new CheckpointError(
        `${modelDir}: has neither model.safetensors nor model.safetensors.index.json; a HuggingFace model directory has one of them`,
      );
    }
    const weightMap = sharded ? readWeightIndex(index) : undefined;
    const names = weightMap ? [...new Set(weightMap.values())].sort() : ['model.safetensors'];
    const files: SafetensorsFile[] = [];
    try {
      for (const name of names) files.push(SafetensorsFile.open(join(modelDir, name)));
      return new Checkpoint(files, collect(files, names, weightMap, index));
    } catch (error) {
      for (const file of files) file.close();
      throw error;
    }
  }

  /** @throws CheckpointError if there is no such tensor. */
  get(name: string): StoredTensor {
    const stored = this.tensors.get(name);
    if (!stored) {
      throw new CheckpointError(
        `${this.files[0].path}: the tensor ${show(name)} is missing from the checkpoint`,
      );
    }
    return stored;
  }

  close(): void {
    for (const file of this.files) file.close();
  }
}

function collect(
  files: SafetensorsFile[],
  names: string[],
  weightMap: Map<string, string> | undefined,
  index: string,
): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  files.forEach((file, i) => {
    for (const [name, info] of file.tensors) {
      if (weightMap && weightMap.get(name) !== names[i]) {
        const listed = weightMap.get(name) ?? 'no file';
        throw new CheckpointError(
          `${index}: ${show(name)} is in ${names[i]}, but the index lists it in ${listed}`,
        );
      }
      tensors.set(name, { file, info });
    }
  });
  for (const [name, shard] of weightMap ?? []) {
    if (!tensors.has(name))
      throw new CheckpointError(`${index}: ${show(name)} is listed in ${shard}, which does not have it`);
  }
  return tensors;
}
