import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CheckpointError } from '../errors.ts';
import { SafetensorsFile, type TensorInfo } from './safetensors.ts';

/** Where a weight is stored. */
export interface StoredTensor {
  readonly file: SafetensorsFile;
  readonly info: TensorInfo;
}

const indexJson = z.object({ weight_map: z.record(z.string(), z.string()) });

/** The weights of a HuggingFace model directory: `model.safetensors`, or shards and `model.safetensors.index.json`. */
export class Checkpoint {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The safetensors files, in the order of their names. */
  readonly files: readonly SafetensorsFile[];

  private constructor(files: SafetensorsFile[], tensors: Map<string, StoredTensor>) {
    this.files = files;
    this.tensors = tensors;
  }

  /**
   * @throws CheckpointError if there are no weights, a shard is missing or malformed, or index and shards differ.
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
    const weightMap = sharded ? readIndex(index) : undefined;
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
      throw new CheckpointError(`${this.files[0].path}: the tensor "${name}" is missing from the checkpoint`);
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
        const listed = weightMap.get(name) ?? 'no file at all';
        throw new CheckpointError(
          `${index}: "${name}" is in ${names[i]}, but the index lists it in ${listed}`,
        );
      }
      tensors.set(name, { file, info });
    }
  });
  for (const [name, shard] of weightMap ?? []) {
    if (!tensors.has(name))
      throw new CheckpointError(`${index}: "${name}" is listed in ${shard}, which does not have it`);
  }
  return tensors;
}

function readIndex(path: string): Map<string, string> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CheckpointError(`${path}: is not readable JSON: ${(cause as Error).message}`, { cause });
  }
  const result = indexJson.safeParse(json);
  if (!result.success) throw new CheckpointError(`${path}: has no weight_map of tensor names to file names`);
  const shards = new Map(Object.entries(result.data.weight_map));
  for (const shard of shards.values()) {
    // A shard's name comes from outside: it must not lead out of the directory.
    if (!/^[\w.-]+\.safetensors$/.test(shard))
      throw new CheckpointError(`${path}: "${shard}" is not a shard's file name`);
  }
  if (shards.size === 0) throw new CheckpointError(`${path}: weight_map is empty`);
  return shards;
}
