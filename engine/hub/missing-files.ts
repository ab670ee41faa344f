import { join } from 'node:path';
import { readWeightIndex } from '../checkpoint/weight-index.ts';
import { HubError } from '../errors.ts';
import type { HubCache } from './cache.ts';

export const SINGLE_WEIGHTS = 'model.safetensors';
export const WEIGHTS_INDEX = 'model.safetensors.index.json';

/** The files of a model that a caller needs. */
export interface WantedFiles {
  /** Paths that the repository must have, such as `config.json`. */
  files: readonly string[];
  /**
   * Paths that are fetched if the repository has them, and patterns such as `folder/*.jinja` of files in one
   * folder. Default none.
   */
  optional?: readonly string[];
  /**
   * Whether to fetch the weights: `model.safetensors`, or else `model.safetensors.index.json` and the shards
   * it lists. With `'optional'` the repository may have neither. Default false.
   */
  weights?: boolean | 'optional';
}

/** Wanted files that a cached snapshot does not have. */
export interface MissingFiles {
  readonly required: readonly string[];
  /** Optional files that may be in the repository; not requested so far. */
  readonly unknown: readonly string[];
}

/**
 * Compares a cached snapshot with the wanted files. For weights this is one step at a time: first the single
 * file; if the repository is known not to have it, the index; if the index is cached, its shards.
 *
 * @param commit undefined if nothing is cached.
 * @throws HubError if the cached index is damaged.
 */
export function missingFiles(cache: HubCache, commit: string | undefined, wanted: WantedFiles): MissingFiles {
  const isMissing = (file: string) => commit === undefined || !cache.has(commit, file);
  const isAbsent = (file: string) => commit !== undefined && cache.knowsAbsent(commit, markOf(file));
  const required = wanted.files.filter(isMissing);
  const optional = [...(wanted.optional ?? [])];
  if (wanted.weights && isMissing(SINGLE_WEIGHTS)) {
    if (commit !== undefined && cache.has(commit, WEIGHTS_INDEX)) {
      required.push(...shardNames(join(cache.snapshotDir(commit), WEIGHTS_INDEX)).filter(isMissing));
    } else {
      const next = isAbsent(SINGLE_WEIGHTS) ? WEIGHTS_INDEX : SINGLE_WEIGHTS;
      (wanted.weights === true ? required : optional).push(next);
    }
  }
  return { required, unknown: optional.filter((file) => isMissing(file) && !isAbsent(file)) };
}

/** The folder and the ending of a pattern such as `folder/*.jinja`; undefined for the path of a file. */
export function patternOf(path: string): { folder: string; ending: string } | undefined {
  const [, folder, ending] = /^(.+)\/\*(\.\w+)$/.exec(path) ?? [];
  return folder === undefined ? undefined : { folder, ending };
}

/**
 * The name by which the cache knows that a commit lacks a file. That of a pattern, which no system forbids,
 * says that it has no other files than those that were fetched.
 */
export function markOf(path: string): string {
  return path.replace('*', '.others');
}

/**
 * The shards that an index of weights lists, sorted by name.
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
