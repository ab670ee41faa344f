import { createReadStream, existsSync, lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { checkIdentity } from '../../engine/checkpoint/identity.ts';
import { CheckpointError, HubError } from '../../engine/errors.ts';
import { verify } from '../../engine/hub/file.ts';
import { type ResolveModelOptions, resolveModel } from '../../engine/hub/resolve-model.ts';
import type { Environment } from '../../engine/hub/settings.ts';
import { readRealModel } from '../../golden/goldens.ts';

/** What {@link findModel} takes beside the model. */
export interface FindModelOptions {
  /** The folder of the goldens, whose `models.json` says what a model of the hub must be. */
  folder: string;
  /** Called with a line of progress while a file is fetched. */
  onFetch?: (text: string) => void;
  /** The environment variables of the hub and its cache. Default `process.env`. */
  env?: Environment;
}

/** The directories of a model. */
export interface FoundModel {
  modelDir: string;
  /** The hub id of the model's graph, if it is another than the model's, and its directory. */
  graph?: { id: string; modelDir: string };
}

const TEXT_FILES = ['generation_config.json', 'tokenizer.json', 'tokenizer_config.json'];
const GRAPH = 'onnx/model.onnx';
/** The file with the weights of a graph of more than 2 GB; further parts end in their number. */
const GRAPH_DATA = `${GRAPH}_data`;

/** The number of parts of a graph's weights in config.json, as transformers.js reads it; `true` is one. */
const numParts = z.union([z.boolean(), z.int().min(0).max(100)]).transform(Number);
const graphConfig = z.object({
  'transformers.js_config': z.object({
    use_external_data_format: z.union([numParts, z.record(z.string(), numParts)]),
  }),
});

/**
 * Finds a model directory, or a model of the hub with the files that recording needs. A hub id that
 * `models.json` lists must have the identity listed there, and its graph is fetched from the repository
 * listed there.
 *
 * @throws HubError as `resolveModel` does, ModelIdentityError if it is another model, CheckpointError if a
 * directory lacks weights of its graph, FileError if `models.json` cannot be read.
 */
export async function findModel(model: string, options: FindModelOptions): Promise<FoundModel> {
  const fetching: Pick<ResolveModelOptions, 'env' | 'onProgress' | 'onWait'> = {
    env: options.env,
    onProgress: (file, done, total) =>
      options.onFetch?.(`fetching ${file} ${Math.floor((100 * done) / Math.max(1, total))} %`),
    onWait: (file) => options.onFetch?.(`waiting for another process to fetch ${file}`),
  };
  const files = ['config.json'];
  const real = existsSync(model) ? undefined : listed(model, options.folder);
  if (!real?.graph) {
    const optional = [...TEXT_FILES, GRAPH, GRAPH_DATA];
    const modelDir = await resolveWithGraph(model, { files, optional, weights: 'optional', ...fetching });
    if (real) await checkIdentity(modelDir, model, real.identity);
    return { modelDir };
  }
  const modelDir = await resolveModel(model, { files, optional: TEXT_FILES, weights: true, ...fetching });
  await checkIdentity(modelDir, model, real.identity);
  const optional = ['generation_config.json', GRAPH_DATA];
  const wanted = { files: [...files, GRAPH], optional, ...fetching };
  const graphDir = await resolveWithGraph(real.graph, wanted);
  return { modelDir, graph: { id: real.graph, modelDir: graphDir } };
}

/**
 * Resolves a model with every part of its graph's weights, if it has a graph: transformers.js would wait
 * forever for a missing part.
 */
async function resolveWithGraph(model: string, options: ResolveModelOptions): Promise<string> {
  let parts: string[] = [];
  for (;;) {
    const modelDir = await resolveModel(model, { ...options, files: [...options.files, ...parts] });
    // The configuration is there only now, and changes when a branch moves.
    const named = existsSync(join(modelDir, GRAPH)) ? graphData(join(modelDir, 'config.json')) : [];
    const missing = named.filter((part) => !existsSync(join(modelDir, part)));
    if (missing.length === 0) return modelDir;
    if (missing.some((part) => parts.includes(part))) {
      throw new CheckpointError(
        `${modelDir}: has no ${missing[0]}, which config.json lists as weights of the graph; fetch it as well`,
      );
    }
    parts = named;
  }
}

/** The paths of a graph's weights that config.json names; a malformed file is left to its reader. */
function graphData(configPath: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(configPath, 'utf8'));
  } catch {
    return [];
  }
  const { data } = graphConfig.safeParse(json);
  const format = data?.['transformers.js_config'].use_external_data_format ?? 0;
  const name = basename(GRAPH);
  const count = typeof format === 'number' ? format : (format[name] ?? format[basename(name, '.onnx')] ?? 0);
  return Array.from({ length: count }, (_, i) => (i === 0 ? GRAPH_DATA : `${GRAPH_DATA}_${i}`));
}

/** The entry of `models.json`, which is read for hub ids only. */
function listed(model: string, folder: string): ReturnType<typeof readRealModel> {
  return /^[\w.-]+\/[\w.-]+$/.test(model) && !model.startsWith('.')
    ? readRealModel(model, folder)
    : undefined;
}

/**
 * Compares files of the hub's cache with the hashes in the names of their blobs, which any tool may have
 * fetched and the disk may have damaged since. Files outside such a cache have no hash to compare with.
 *
 * @param sha256 of files by their paths in the model's directory; missing files are ignored.
 * @throws HubError if a file is damaged.
 */
export async function refuseDamaged(
  modelDir: string,
  sha256: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [file, hash] of Object.entries(sha256)) {
    const path = join(modelDir, file);
    if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) continue;
    const blob = realpathSync(path);
    const oid = basename(blob);
    const advice = 'remove it to have it fetched again';
    if (/^[0-9a-f]{64}$/.test(oid) && oid !== hash) {
      throw new HubError(`${blob}: has SHA-256 ${hash}; expected the one in its name; ${advice}`);
    }
    if (/^[0-9a-f]{40}$/.test(oid)) {
      const announced = { path: file, size: statSync(blob).size, lfs: false, oid };
      await verify(createReadStream(blob), announced, blob).catch((cause) => {
        throw new HubError(`${blob}: has another git SHA-1 than the one in its name; ${advice}`, { cause });
      });
    }
  }
}
