import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PlumblineError, UsageError } from '../../engine/errors.ts';
import { readCase, readManifest, readPrompts, readTensors } from '../../golden/goldens.ts';
import { isIdPrompt } from '../../golden/id-prompts.ts';
import type { Manifest, Prompts } from '../../golden/schema.ts';
import { goldenName } from '../golden-name.ts';
import { compareCase, compareManifests, type ExistingGolden, withoutNumbers } from '../review/changes.ts';
import type { PendingGoldens } from '../review/pending.ts';
import { hasChanges, type ModelSummary } from '../review/summary.ts';
import { manifestOf } from './manifest.ts';
import { openModel, type RecordableModel } from './models.ts';
import type { RecordingProgress } from './progress.ts';
import { recordCase } from './record.ts';
import { writeCase, writeManifest } from './store.ts';

/** What {@link regenerate} takes. */
export interface RegenerateOptions {
  /** The folder of the goldens. */
  folder: string;
  /** Fixtures' names, directories or hub ids. */
  models: readonly string[];
  /** The id of the only case to record. Default: all cases. */
  only?: string;
  /** Receives the changed goldens; without it, nothing is written. */
  pending?: PendingGoldens;
  onProgress?: (progress: RecordingProgress) => void;
  /** Called with a line of progress while a model is fetched from the hub. */
  onFetch?: (text: string) => void;
  /** Injected by tests. Default {@link openModel}. */
  open?: typeof openModel;
}

/**
 * Records models' goldens and compares them with the existing ones, which are never overwritten.
 *
 * @throws UsageError if `only` names no prompt, or a text and no model has a tokenizer; also if `only` would
 * mix goldens of two different recordings.
 * @throws the errors of {@link openModel} and of {@link recordCase}; any other error of the reference.
 */
export async function regenerate(options: RegenerateOptions): Promise<ModelSummary[]> {
  const { folder, models, only, onFetch, open = openModel } = options;
  const promptsOf = new Map(models.map((name) => [name, readPrompts(folder, goldenName(name))]));
  const all = [...promptsOf.values()].flatMap(({ prompts }) => prompts);
  if (only !== undefined && !all.some(({ id }) => id === only)) {
    throw new UsageError(`there is no case "${only}"; see prompts.json for their names`);
  }
  const summaries: ModelSummary[] = [];
  for (const name of models) {
    const model = await open(name, { folder, onFetch });
    try {
      summaries.push(await regenerateModel(model, promptsOf.get(name)!, options));
    } finally {
      await model.close();
    }
  }
  if (only !== undefined && summaries.every(({ cases }) => cases.length === 0)) {
    throw new UsageError(`case "${only}" is a text, and ${models.join(', ')} has no tokenizer`);
  }
  return summaries;
}

async function regenerateModel(
  model: RecordableModel,
  prompts: Prompts,
  options: RegenerateOptions,
): Promise<ModelSummary> {
  const { folder, only, pending } = options;
  const { maxNewTokens } = prompts;
  const recorder = { ...model.recorder, maxNewTokens };
  const suitable = prompts.prompts.filter((prompt) => recorder.tokenizer || isIdPrompt(prompt));
  const wanted = suitable.filter(({ id }) => only === undefined || id === only);
  const { manifest: existing, unreadable } = readExistingManifest(model.name, folder);
  const recorded = wanted.map(({ id }) => id);
  // A single case is added to the existing ones.
  const cases = only === undefined ? recorded : [...new Set([...(existing?.cases ?? []), ...recorded])];
  const manifest = manifestOf(model, maxNewTokens, cases);
  const differences = existing ? compareManifests(existing, manifest) : [];
  const summary: ModelSummary = { model: model.name, manifest: [...unreadable, ...differences], cases: [] };
  if (pending && only !== undefined && summary.manifest.length > 0) {
    throw new UsageError(
      `${model.name}: case "${only}" alone would not match the existing goldens (${summary.manifest.join('; ')}); ` +
        'leave out --only to record all of them, or add --check to see what would change',
    );
  }
  for (const [done, prompt] of wanted.entries()) {
    let tokens = 0;
    const report = () => {
      const [name, total] = [model.name, wanted.length];
      options.onProgress?.({ model: name, case: prompt.id, done, total, tokens, maxNewTokens });
      tokens++;
    };
    report();
    const now = await recordCase(prompt, recorder, report);
    const change = compareCase(readExisting(model.name, prompt.id, folder, existing), now, manifest);
    summary.cases.push(change);
    if (!pending || change.kind === 'unchanged') continue;
    writeCase(pending.modelFolder(model.name), now, recorder.config);
    if (!now.tensors) pending.addRemoved(model.name, `${prompt.id}.safetensors`);
  }
  for (const id of existing?.cases ?? []) {
    if (cases.includes(id)) continue;
    summary.cases.push(withoutNumbers(id, 'gone', 'prompts.json has no prompt of this id any more'));
    for (const ending of ['json', 'safetensors']) pending?.addRemoved(model.name, `${id}.${ending}`);
  }
  if (pending && (!existing || hasChanges(summary))) writeManifest(pending.modelFolder(model.name), manifest);
  return summary;
}

/** A manifest that cannot be read, e.g. of an older format, is recorded again. */
function readExistingManifest(model: string, folder: string): { manifest?: Manifest; unreadable: string[] } {
  if (!existsSync(join(folder, model, 'manifest.json'))) return { unreadable: [] };
  const manifest = readable(() => readManifest(model, folder));
  return 'unreadable' in manifest ? { unreadable: [manifest.unreadable] } : { manifest, unreadable: [] };
}

function readExisting(
  model: string,
  id: string,
  folder: string,
  manifest?: Manifest,
): ExistingGolden | undefined {
  if (!manifest?.cases.includes(id)) return undefined;
  return readable(() => {
    const golden = readCase(model, id, folder);
    return 'refusal' in golden
      ? { golden, manifest }
      : { golden, tensors: readTensors(model, id, folder), manifest };
  });
}

function readable<T>(read: () => T): T | { unreadable: string } {
  try {
    return read();
  } catch (error) {
    if (error instanceof PlumblineError) return { unreadable: error.message };
    throw error;
  }
}
