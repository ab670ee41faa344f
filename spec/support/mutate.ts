import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Engine } from '../../engine/engine.ts';
import type { createScalarKernels } from '../../engine/kernels/scalar.ts';
import type { Mutant } from './mutants.ts';
import { engineSubject, type Subject } from './subject.ts';

/** Several steps for a prompt, so that what goes wrong between two of them shows. */
const PREFILL_CHUNK = 16;

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Copies the engine's source into a folder, applies a mutant's edits, and loads what came out.
 *
 * @param folder empty; the caller removes it.
 * @throws RangeError if an edit's text does not stand exactly once in its file: the table is out of date.
 */
export async function loadMutant(mutant: Mutant, folder: string): Promise<Subject> {
  cpSync(join(ROOT, 'engine'), join(folder, 'engine'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, find, replace } of mutant.edits) {
    const path = join(folder, 'engine', file);
    const source = readFileSync(path, 'utf8');
    const times = source.split(find).length - 1;
    if (times !== 1) throw new RangeError(`${mutant.name}: "${find}" stands ${times} times in ${file}`);
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
  }
  const load = (file: string) => import(pathToFileURL(join(folder, 'engine', file)).href);
  const mutated: { Engine: typeof Engine } = await load('engine.ts');
  // The SIMD kernels are compiled; a bug in the numerics is made in their scalar twin.
  const inKernels = mutant.edits.some(({ file }) => file.startsWith('kernels/'));
  const scalar: { createScalarKernels: typeof createScalarKernels } = await load('kernels/scalar.ts');
  return engineSubject(mutant.name, {
    load: (modelDir) =>
      mutated.Engine.load(modelDir, {
        prefillChunk: PREFILL_CHUNK,
        ...(inKernels ? { kernels: scalar.createScalarKernels() } : {}),
      }),
  });
}
