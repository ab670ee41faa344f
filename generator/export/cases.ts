import { type DumpCases, dumpCases } from '../../golden/dump-layout.ts';
import { goldenModels, readPrompts, realGoldens } from '../../golden/goldens.ts';
import type { Prompts } from '../../golden/schema.ts';
import { storedCases, type VerifyCase } from '../../golden/verify-case.ts';
import { FIXTURES } from '../fixtures/fixture-specs.ts';

/** Makes cases of prompts as the judge does: encodes them, and lets our engine continue them. */
export type PromptCases = (
  modelDir: string,
  prompts: Prompts,
  options: { onCase?: (id: string) => void },
) => Promise<VerifyCase[]>;

/** The model, and where its cases come from. */
export interface ExportCasesOptions {
  /** As the user named the model. */
  model: string;
  modelDir: string;
  /** The name of its goldens' folder within `folder`. */
  name: string;
  /** The folder of all goldens. */
  folder: string;
  /** The user's own prompts. Default: the cases of the goldens, or without goldens the project's prompts. */
  prompts?: Prompts;
  /** The file of `prompts`. */
  promptsFile?: string;
  promptCases: PromptCases;
  /** Called with each case that our engine continues. */
  onCase?: (id: string) => void;
}

/**
 * What the judge asks of a model.
 *
 * @throws FileError if goldens or prompts cannot be read.
 * @throws what `promptCases` throws, if the model has no goldens or the prompts are the user's.
 */
export async function exportCases(options: ExportCasesOptions): Promise<DumpCases> {
  const { model, modelDir, name, folder, prompts, promptCases, onCase } = options;
  if (!prompts && hasGoldens(options)) {
    return dumpCases(model, storedCases(name, readPrompts(folder, name).prompts, folder));
  }
  return dumpCases(model, await promptCases(modelDir, prompts ?? readPrompts(folder), { onCase }));
}

/** Whether the judge has goldens of a model: of fixtures and of models of the hub, not of directories. */
function hasGoldens({ model, modelDir, name, folder }: ExportCasesOptions): boolean {
  if (Object.hasOwn(FIXTURES, model)) return goldenModels(folder).includes(name);
  return modelDir !== model && realGoldens(folder).includes(name);
}
