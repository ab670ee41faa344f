import { z } from 'zod';
import { CheckpointError, show } from '../errors.ts';
import { readJsonSync } from '../terminal/read-json.ts';

const indexJson = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * Reads `model.safetensors.index.json`.
 *
 * @returns the file names of shards by the names of the tensors in them; at least one.
 * @throws CheckpointError if the file cannot be read, lists nothing, or names a shard outside its own
 * directory.
 */
export function readWeightIndex(path: string): Map<string, string> {
  const result = indexJson.safeParse(readJsonSync(path, CheckpointError));
  if (!result.success) throw new CheckpointError(`${path}: has no weight_map of tensor names to file names`);
  const shards = new Map(Object.entries(result.data.weight_map));
  for (const shard of shards.values()) {
    // A shard's name is untrusted: it must not lead out of the directory.
    if (!/^[\w.-]+\.safetensors$/.test(shard))
      throw new CheckpointError(`${path}: ${show(shard)} is not a shard's file name`);
  }
  if (shards.size === 0) throw new CheckpointError(`${path}: weight_map is empty`);
  return shards;
}
