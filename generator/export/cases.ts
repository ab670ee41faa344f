import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FileError } from '../../engine/errors.ts';
import { type DumpCases, dumpCases } from '../../golden/dump-layout.ts';
import { readManifest, readPrompts } from '../../golden/goldens.ts';
import { storedCases } from '../../golden/verify-case.ts';
import { FIXTURES } from '../fixtures/fixture-specs.ts';

/** The cases of a model's goldens. */
export interface ExportCasesOptions {
  /** As the user named the model. */
  model: string;
  /** The name of its goldens' folder within `folder`. */
  name: string;
  /** Of all goldens. */
  folder: string;
}

/**
 * What the judge asks of a model that has goldens.
 *
 * @throws FileError if the model has none, or they cannot be read.
 */
export function exportCases({ model, name, folder }: ExportCasesOptions): DumpCases {
  const isFixture = Object.hasOwn(FIXTURES, model);
  const hasGoldens = existsSync(join(folder, name, 'manifest.json'));
  // A directory may have a fixture's name; the fixture's goldens are not its own.
  if (!hasGoldens || isFixture !== (readManifest(name, folder).source === 'fixture')) {
    throw new FileError(
      `${join(folder, name)}: there are no goldens of ${model}; record them: ` +
        `plumbline-goldens --model ${model} && plumbline-goldens --accept`,
    );
  }
  return dumpCases(model, storedCases(name, readPrompts(folder, name).prompts, folder));
}
