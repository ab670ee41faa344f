import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FileError } from '../../engine/errors.ts';
import { makeFolder } from '../../engine/terminal/make-folder.ts';
import { temporary } from '../../engine/terminal/temporary.ts';
import { CASES_FILE, casesJson, dumpReadme, README_FILE } from '../../golden/dump-layout.ts';
import { type ExportCasesOptions, exportCases } from './cases.ts';
import { copyModel } from './copy-model.ts';
import type { GgufWeightType } from './gguf/tensors.ts';
import { writeGgufModel } from './gguf/write-model.ts';

export const EXPORT_FORMATS = ['hf', 'gguf'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What {@link exportModel} takes. */
export interface ExportOptions extends ExportCasesOptions {
  /** The folder to write: new, or an empty one. */
  out: string;
  format: ExportFormat;
  /** The type of matrices in a `gguf` file. Default: as each weight is stored. */
  type?: GgufWeightType;
  /** Called with the bytes of the model that are written, and all of them. */
  onProgress?: (done: number, total: number) => void;
}

/** What was written. */
export interface Exported {
  out: string;
  /** The model's folder or GGUF file, relative to `out`. */
  model: string;
  cases: number;
}

/** The folder of the model, apart from the answers. */
const MODEL = 'model';

/**
 * Writes a folder for a person whose engine cannot be driven by a program: the model, the cases, and a
 * README that says what to write where. It appears whole or not at all.
 *
 * @throws FileError if `out` is not a new or empty folder, or cannot be written.
 * @throws what `exportCases`, `copyModel` and `writeGgufModel` throw.
 */
export async function exportModel(options: ExportOptions): Promise<Exported> {
  const { modelDir, name, format, type, onProgress } = options;
  const out = resolve(options.out);
  refuseOccupied(out);
  const cases = await exportCases(options);
  const file = `${name}${type === undefined ? '' : `-${type}`}.gguf`;
  const model = format === 'hf' ? MODEL : `${MODEL}/${file}`;
  const unfinished = temporary(`${out}.${randomUUID()}.tmp`);
  try {
    makeFolder(join(unfinished.path, MODEL));
    const target = join(unfinished.path, model);
    if (format === 'hf') await copyModel(modelDir, target, onProgress);
    else await writeGgufModel(modelDir, target, { type, name, onProgress });
    writeFileSync(join(unfinished.path, CASES_FILE), casesJson(cases));
    const readme = dumpReadme(cases, { written: model, prompts: options.promptsFile });
    writeFileSync(join(unfinished.path, README_FILE), readme);
    if (existsSync(out)) rmdirSync(out);
    renameSync(unfinished.path, out);
    return { out, model, cases: cases.cases.length };
  } catch (cause) {
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (syscall === undefined) throw cause;
    throw new FileError(`cannot write ${out} (${code}); give --out a folder that can be written`, { cause });
  } finally {
    unfinished.remove();
  }
}

function refuseOccupied(out: string): void {
  const found = statSync(out, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isDirectory()) throw new FileError(`${out} is a file; give --out a new or empty folder`);
  const [first] = readdirSync(out);
  if (first === undefined) return;
  throw new FileError(`${out} is not empty: it has ${first}; give --out a new or empty folder`);
}
