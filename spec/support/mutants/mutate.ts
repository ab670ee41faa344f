import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Engine } from '../../../engine/engine.ts';
import type { createScalarKernels } from '../../../engine/kernels/scalar.ts';
import { engineSubject } from '../../../verify/adapters/engine.ts';
import type { Subject } from '../../../verify/subject.ts';
import type { Mutant } from './mutants.ts';

/** Gives a prompt several steps, so that bugs between two of them show. */
const PREFILL_CHUNK = 16;

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Copies the engine's source into a folder, applies edits, and imports the result.
 *
 * @param folder empty; the caller removes it.
 * @returns how to load it, with the options of `Engine.load`.
 * @throws RangeError if an edit's text does not stand exactly once in its file: the table is out of date.
 */
export async function importMutant(
  { name, edits }: Pick<Mutant, 'name' | 'edits'>,
  folder: string,
): Promise<typeof Engine.load> {
  cpSync(join(ROOT, 'engine'), join(folder, 'engine'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, find, replace } of edits) {
    const path = join(folder, 'engine', file);
    const source = readFileSync(path, 'utf8');
    const times = source.split(find).length - 1;
    if (times !== 1) throw new RangeError(`${name}: "${find}" stands ${times} times in ${file}`);
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
  }
  const load = (file: string) => import(pathToFileURL(join(folder, 'engine', file)).href);
  const mutated: { Engine: typeof Engine } = await load('engine.ts');
  // The SIMD kernels are compiled, so a bug in the numerics is an edit of their scalar twin.
  const inKernels = edits.some(({ file }) => file.startsWith('kernels/'));
  const scalar: { createScalarKernels: typeof createScalarKernels } = await load('kernels/scalar.ts');
  return (modelDir, options = {}) => {
    const kernels = inKernels ? scalar.createScalarKernels() : options.kernels;
    return mutated.Engine.load(modelDir, { ...options, kernels });
  };
}

/** A mutant as a subject of the goldens, see {@link importMutant}. */
export async function loadMutant(mutant: Mutant, folder: string): Promise<Subject> {
  const load = await importMutant(mutant, folder);
  return engineSubject(mutant.name, {
    load: (modelDir) => load(modelDir, { prefillChunk: PREFILL_CHUNK }),
  });
}
