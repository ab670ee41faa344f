import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import type { ModelIdentity } from '../engine/checkpoint/identity.ts';
import { SafetensorsFile } from '../engine/checkpoint/safetensors.ts';
import { FileError } from '../engine/errors.ts';
import { readJsonSync } from '../engine/terminal/read-json.ts';
import {
  type CaseTensors,
  caseSchema,
  fingerprintsSchema,
  type GoldenCase,
  type Manifest,
  manifestSchema,
  type Prompts,
  type Published,
  promptsSchema,
  publishedSchema,
  type RecordedCase,
  realModelsSchema,
} from './schema.ts';

/** The folder of the goldens, this file's own. */
export const GOLDEN_FOLDER = dirname(fileURLToPath(import.meta.url));

/** A case with its numbers. */
export interface LoadedCase {
  readonly recorded: RecordedCase;
  readonly tensors: CaseTensors;
}

/**
 * The fixtures that have goldens, by the names of their folders. @throws FileError as {@link readManifest}
 * does.
 */
export function goldenModels(folder: string = GOLDEN_FOLDER): string[] {
  return recorded(folder).filter((name) => readManifest(name, folder).source === 'fixture');
}

/** The real models that have goldens, likewise. */
export function realGoldens(folder: string = GOLDEN_FOLDER): string[] {
  return recorded(folder).filter((name) => readManifest(name, folder).source !== 'fixture');
}

function recorded(folder: string): string[] {
  return readdirSync(folder).filter((name) => existsSync(join(folder, name, 'manifest.json')));
}

/**
 * The prompts that a model is recorded from: its own where its folder has a `prompts.json`, as that of a
 * large model has, else those that all have in common.
 *
 * @throws FileError if the file cannot be read or is not of its schema.
 */
export function readPrompts(folder: string = GOLDEN_FOLDER, model = ''): Prompts {
  const own = join(folder, model, 'prompts.json');
  return readJson(existsSync(own) ? own : join(folder, 'prompts.json'), promptsSchema);
}

/**
 * Prompts of a user's own file, in the form of `golden/prompts.json`.
 *
 * @throws FileError if the file cannot be read or has another form.
 */
export function readPromptsFile(path: string): Prompts {
  return readJson(path, promptsSchema, 'expected the form of golden/prompts.json');
}

/** A model of the hub that goldens know. */
export interface RealModel {
  readonly identity: ModelIdentity;
  /** The hub id that has the model as a graph for transformers.js, if not the model itself. */
  readonly graph?: string;
}

/**
 * @param model a hub id.
 * @returns undefined if `models.json` does not list it.
 * @throws FileError if `models.json` cannot be read or is not of its schema.
 */
export function readRealModel(model: string, folder: string = GOLDEN_FOLDER): RealModel | undefined {
  const path = join(folder, 'models.json');
  const { models, identities } = readJson(path, realModelsSchema);
  if (!Object.hasOwn(models, model)) return undefined;
  const { identity, graph } = models[model];
  if (!Object.hasOwn(identities, identity)) {
    throw new FileError(`${path}: models.${model}.identity: there is no identity "${identity}"`);
  }
  return { identity: identities[identity], ...(graph === undefined ? {} : { graph }) };
}

/** @throws FileError if the figures cannot be read or are not of their schema. */
export function readPublished(name: string, folder: string = GOLDEN_FOLDER): Published {
  return readJson(join(folder, 'published', `${name}.json`), publishedSchema);
}

/** @throws FileError if the manifest cannot be read or is not of its schema. */
export function readManifest(model: string, folder: string = GOLDEN_FOLDER): Manifest {
  return readJson(join(folder, model, 'manifest.json'), manifestSchema);
}

/** @throws FileError if the case cannot be read or is not of its schema. */
export function readCase(model: string, id: string, folder: string = GOLDEN_FOLDER): GoldenCase {
  return readJson(join(folder, model, `${id}.json`), caseSchema);
}

/** @returns the engine's fingerprints by case; none if they were never recorded. */
export function readFingerprints(model: string, folder: string = GOLDEN_FOLDER): Record<string, string> {
  const path = join(folder, model, 'fingerprints.json');
  return existsSync(path) ? readJson(path, fingerprintsSchema) : {};
}

/**
 * The numbers of a recorded case.
 *
 * @throws CheckpointError if the file is missing or malformed, FileError if a tensor that belongs there is
 * not.
 */
export function readTensors(model: string, id: string, folder: string = GOLDEN_FOLDER): CaseTensors {
  const file = SafetensorsFile.open(join(folder, model, `${id}.safetensors`));
  try {
    const bytes = (name: string, dtype: string): ArrayBuffer => {
      const found = file.tensors.get(name)?.dtype;
      if (found !== dtype) {
        throw new FileError(
          `${file.path}: tensor "${name}" is ${found ?? 'missing'}; expected ${dtype}: record it again`,
        );
      }
      return file.read(name).buffer as ArrayBuffer;
    };
    const tensors: CaseTensors = { logits: new Float32Array(bytes('logits', 'F32')) };
    if (file.tensors.has('logits_float64'))
      tensors.logitsFloat64 = new Float64Array(bytes('logits_float64', 'F64'));
    if (file.tensors.has('hidden_states'))
      tensors.hiddenStates = new Float32Array(bytes('hidden_states', 'F32'));
    if (file.tensors.has('top_ids')) {
      tensors.sampled = {
        topIds: new Int32Array(bytes('top_ids', 'I32')),
        rowMax: new Float32Array(bytes('row_max', 'F32')),
        logSumExp: new Float64Array(bytes('log_sum_exp', 'F64')),
      };
    }
    return tensors;
  } finally {
    file.close();
  }
}

/** @param expected ends the errors. */
function readJson<T>(path: string, schema: z.ZodType<T>, expected?: string): T {
  const result = schema.safeParse(readJsonSync(path, FileError, expected));
  if (result.success) return result.data;
  const { where, message } = deepest(result.error.issues[0]);
  const ending = expected ? `; ${expected}` : '';
  throw new FileError(`${path}: ${where.join('.') || 'the whole'}: ${message}${ending}`);
}

/** The issue of the alternative that the value fits best: the one whose problem lies deepest in the value. */
function deepest({ path, message, ...issue }: z.core.$ZodIssue): { where: PropertyKey[]; message: string } {
  const alternatives = 'errors' in issue ? issue.errors.filter(({ length }) => length > 0) : [];
  const inside = alternatives.map(([first]) => deepest(first));
  inside.sort((a, b) => b.where.length - a.where.length);
  return inside.length > 0
    ? { where: [...path, ...inside[0].where], message: inside[0].message }
    : { where: path, message };
}
