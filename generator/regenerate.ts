import { existsSync, readFileSync } from 'node:fs';
import { cpus, platform } from 'node:os';
import { join } from 'node:path';
import { env as transformers } from '@huggingface/transformers';
import { env as onnxruntime } from 'onnxruntime-node';
import { UsageError } from '../engine/errors.ts';
import { readCase, readManifest, readPrompts, readTensors } from '../golden/goldens.ts';
import { type Manifest, type Prompts, SCHEMA_VERSION } from '../golden/schema.ts';
import { type CaseChange, compareCase, compareManifests, type ExistingGolden } from './changes.ts';
import { openModel, type RecordableModel } from './models.ts';
import type { PendingGoldens } from './pending.ts';
import { isIdPrompt } from './prompt-ids.ts';
import { recordCase } from './record.ts';
import { writeCase, writeManifest } from './store.ts';

/** What is recorded, and where it goes. */
export interface RegenerateOptions {
  /** The folder of the goldens. */
  folder: string;
  /** Fixtures' names, directories or hub ids. */
  models: readonly string[];
  /** Only the case of this name. Default all. */
  only?: string;
  /** Takes what changed; without it, nothing is written. */
  pending?: PendingGoldens;
  onProgress?: (progress: Progress) => void;
}

/** How far a recording is. */
export interface Progress {
  model: string;
  case: string;
  /** Cases of this model that are done, and all of them. */
  done: number;
  total: number;
  /** Tokens of this case that are done, and all of them. */
  tokens: number;
  maxNewTokens: number;
}

/** What a recording changed of one model's goldens. */
export interface ModelSummary {
  model: string;
  manifest: string[];
  cases: CaseChange[];
}

/**
 * Records models' goldens and compares them with the ones there are. Existing files are never touched.
 *
 * @throws UsageError if `only` names no prompt; the errors of {@link openModel}; whatever the reference throws.
 */
export async function regenerate(options: RegenerateOptions): Promise<ModelSummary[]> {
  const prompts = readPrompts(options.folder);
  if (options.only !== undefined && !prompts.prompts.some(({ id }) => id === options.only)) {
    throw new UsageError(`there is no case "${options.only}"; see prompts.json for their names`);
  }
  const summaries: ModelSummary[] = [];
  for (const name of options.models) {
    const model = await openModel(name);
    try {
      summaries.push(await regenerateModel(model, prompts, options));
    } finally {
      await model.close();
    }
  }
  return summaries;
}

async function regenerateModel(
  model: RecordableModel,
  prompts: Prompts,
  options: RegenerateOptions,
): Promise<ModelSummary> {
  const { folder, only, pending } = options;
  const recorder = { ...model.recorder, maxNewTokens: prompts.maxNewTokens };
  const suitable = prompts.prompts.filter((prompt) => recorder.tokenizer || isIdPrompt(prompt));
  const wanted = suitable.filter(({ id }) => only === undefined || id === only);
  const manifest = manifestOf(
    model,
    prompts.maxNewTokens,
    suitable.map(({ id }) => id),
  );
  const existing = existsSync(join(folder, model.name, 'manifest.json'))
    ? readManifest(model.name, folder)
    : undefined;
  const summary: ModelSummary = {
    model: model.name,
    manifest: compareManifests(existing, manifest),
    cases: [],
  };
  for (const [done, prompt] of wanted.entries()) {
    let tokens = 0;
    const report = () => {
      const { maxNewTokens } = prompts;
      options.onProgress?.({
        model: model.name,
        case: prompt.id,
        done,
        total: wanted.length,
        tokens,
        maxNewTokens,
      });
      tokens++;
    };
    report();
    const recorded = await recordCase(prompt, recorder, report);
    const change = compareCase(
      readExisting(model.name, prompt.id, folder, existing),
      recorded,
      existing ?? manifest,
    );
    summary.cases.push(change);
    if (pending && change.kind !== 'unchanged')
      writeCase(pending.modelFolder(model.name), recorded, recorder.config);
  }
  for (const id of only === undefined ? (existing?.cases ?? []) : []) {
    if (manifest.cases.includes(id)) continue;
    const reasons = ['no prompt asks for it any more'];
    summary.cases.push({ id, kind: 'gone', reasons, flipped: [], largest: 0, rms: 0 });
    pending?.addGone(model.name, id);
  }
  if (pending && (!existing || hasChanges(summary))) writeManifest(pending.modelFolder(model.name), manifest);
  return summary;
}

/** Whether a person has anything to review. */
export function hasChanges(summary: ModelSummary): boolean {
  return summary.manifest.length > 0 || summary.cases.some(({ kind }) => kind !== 'unchanged');
}

function readExisting(
  model: string,
  id: string,
  folder: string,
  manifest?: Manifest,
): ExistingGolden | undefined {
  if (!manifest || !existsSync(join(folder, model, `${id}.json`))) return undefined;
  const golden = readCase(model, id, folder);
  return 'refusal' in golden ? { golden } : { golden, tensors: readTensors(model, id, folder) };
}

function manifestOf(model: RecordableModel, maxNewTokens: number, cases: string[]): Manifest {
  const { vocabularySample, projections } = model.recorder.selection;
  return {
    schemaVersion: SCHEMA_VERSION,
    model: model.name,
    source: model.source,
    ...(model.seed === undefined ? {} : { seed: model.seed }),
    maxNewTokens,
    sha256: model.sha256,
    versions: {
      transformersJs: transformers.version,
      onnxruntimeNode: onnxruntime.versions.node ?? 'unknown',
    },
    recordedOn: {
      node: process.version,
      platform: `${platform()}-${process.arch}`,
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      features: cpuFeatures(),
    },
    ...(vocabularySample ? { vocabularySample } : {}),
    ...(projections ? { projections } : {}),
    cases,
  };
}

/** The vector extensions that ONNX Runtime chooses its kernels by; known on Linux only. */
function cpuFeatures(): string[] {
  if (!existsSync('/proc/cpuinfo')) return [];
  const flags =
    /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(/\s+/) ?? [];
  return flags.filter((flag) => /^(avx|fma|amx|sve|asimd|sse4)/.test(flag)).sort();
}
