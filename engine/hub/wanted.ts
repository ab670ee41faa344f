import { join } from 'node:path';
import { readWeightIndex } from '../checkpoint/weight-index.ts';
import { HubError } from '../errors.ts';
import type { HubCache } from './cache.ts';

export const SINGLE_WEIGHTS = 'model.safetensors';
export const WEIGHTS_INDEX = 'model.safetensors.index.json';

/** Which files of a model are asked for. */
export interface WantedFiles {
  /** Paths that the repository must have, such as `config.json`. */
  files: readonly string[];
  /** Paths that are fetched if the repository has them. Default none. */
  optional?: readonly string[];
  /**
   * Whether to fetch the weights: `model.safetensors`, or else `model.safetensors.index.json` and the shards it
   * lists. With `'optional'` the repository may have neither. Default false.
   */
  weights?: boolean | 'optional';
}

/** What a snapshot in the cache does not hold of what is wanted. */
export interface Lacking {
  readonly required: readonly string[];
  /** Optional, and nobody has asked yet whether the repository has them. */
  readonly unknown: readonly string[];
}

/**
 * Compares a snapshot with what is wanted, as far as can be seen: weights are first looked for in one file, once
 * that is known to be absent in an index, and once that is there in its shards.
 *
 * @param commit undefined if nothing is cached.
 * @throws HubError if the index of the weights is there but damaged.
 */
export function lacking(cache: HubCache, commit: string | undefined, wanted: WantedFiles): Lacking {
  const isLacking = (file: string) => commit === undefined || !cache.has(commit, file);
  const isAbsent = (file: string) => commit !== undefined && cache.knowsAbsent(commit, file);
  const required = wanted.files.filter(isLacking);
  const optional = [...(wanted.optional ?? [])];
  if (wanted.weights && isLacking(SINGLE_WEIGHTS)) {
    if (commit !== undefined && cache.has(commit, WEIGHTS_INDEX)) {
      required.push(...shardNames(join(cache.snapshotDir(commit), WEIGHTS_INDEX)).filter(isLacking));
    } else {
      const next = isAbsent(SINGLE_WEIGHTS) ? WEIGHTS_INDEX : SINGLE_WEIGHTS;
      (wanted.weights === true ? required : optional).push(next);
    }
  }
  return { required, unknown: optional.filter((file) => isLacking(file) && !isAbsent(file)) };
}

/**
 * The files that an index of sharded weights lists, in the order of their names.
 *
 * @throws HubError if the index cannot be read.
 */
export function shardNames(indexPath: string): string[] {
  try {
    return [...new Set(readWeightIndex(indexPath).values())].sort();
  } catch (cause) {
    throw new HubError(`${(cause as Error).message}; delete it to have it fetched again`, { cause });
  }
}
