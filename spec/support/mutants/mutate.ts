import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Engine } from '../../../engine/engine.ts';
import type { Kernels } from '../../../engine/kernels/kernels.ts';
import type { createScalarKernels } from '../../../engine/kernels/scalar.ts';
import { engineSubject } from '../../../verify/adapters/engine.ts';
import type { Subject } from '../../../verify/subject.ts';
import { importsOf } from '../layout/imports.ts';
import type { Mutant } from './mutants.ts';

/** Gives a prompt several steps, so that bugs between two of them show. */
const PREFILL_CHUNK = 16;

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The engine's sources, by their path from the root of the project. */
const SOURCES: ReadonlyMap<string, string> = new Map(
  readdirSync(join(ROOT, 'engine'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('assembly/'))
    .map((file) => [`engine/${file}`, readFileSync(join(ROOT, 'engine', file), 'utf8')]),
);

/** By path, the sources that import it: found once, since a search reads all sources. */
const IMPORTERS: ReadonlyMap<string, readonly string[]> = importersByPath();

/**
 * Copies the edited files of the engine, and the files that import them, into a folder, applies the edits,
 * and imports the result. The other files are the engine's own: they are compiled once for all mutants.
 *
 * @param folder empty; the caller removes it.
 * @param tapped what stands in for the kernels that it is loaded with. Default: they themselves.
 * @returns how to load it, with the options of `Engine.load`.
 * @throws RangeError if an edit's text does not stand exactly once in its file: the table is out of date.
 */
export async function importMutant(
  { name, edits }: Pick<Mutant, 'name' | 'edits'>,
  folder: string,
  tapped: (kernels: Kernels) => Kernels = (kernels) => kernels,
): Promise<typeof Engine.load> {
  const sources = new Map(SOURCES);
  for (const { file, find, replace } of edits) {
    const source = sources.get(`engine/${file}`) ?? '';
    const times = source.split(find).length - 1;
    if (times !== 1) throw new RangeError(`${name}: "${find}" stands ${times} times in ${file}`);
    sources.set(
      `engine/${file}`,
      source.replace(find, () => replace),
    );
  }
  const copied = importersOf(['engine/engine.ts', ...edits.map(({ file }) => `engine/${file}`)]);
  for (const path of copied) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), withOriginals(path, sources.get(path)!, copied));
  }
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const load = (file: string) =>
    import(pathToFileURL(join(copied.has(`engine/${file}`) ? folder : ROOT, 'engine', file)).href);
  const mutated: { Engine: typeof Engine } = await load('engine.ts');
  // The SIMD kernels are compiled, so a bug in the numerics is an edit of their scalar twin.
  const inKernels = edits.some(({ file }) => file.startsWith('kernels/'));
  const scalar: { createScalarKernels: typeof createScalarKernels } = await load('kernels/scalar.ts');
  return (modelDir, options = {}) => {
    const kernels = inKernels ? scalar.createScalarKernels() : options.kernels;
    return mutated.Engine.load(modelDir, { ...options, kernels: kernels && tapped(kernels) });
  };
}

/** The given files and all that import them, also through others. */
function importersOf(paths: readonly string[]): Set<string> {
  const found = new Set(paths);
  // A set is iterated to the end with what is added meanwhile.
  for (const path of found) for (const importer of IMPORTERS.get(path) ?? []) found.add(importer);
  return found;
}

function importersByPath(): Map<string, string[]> {
  const importers = new Map<string, string[]>();
  for (const importer of SOURCES.keys()) {
    for (const path of importsOf(importer, SOURCES)) {
      importers.set(path, [...(importers.get(path) ?? []), importer]);
    }
  }
  return importers;
}

/**
 * A source that names the files that are not copied by their URL, and stays beside the kernels that are
 * built.
 */
function withOriginals(path: string, source: string, copied: ReadonlySet<string>): string {
  const named = source.replace(/(?<=['"])\.{1,2}\/[^'"\n]+\.ts(?=['"])/g, (name) => {
    const target = posix.join(posix.dirname(path), name);
    return copied.has(target) ? name : pathToFileURL(join(ROOT, target)).href;
  });
  const built = new URL('build/', pathToFileURL(join(ROOT, path))).href;
  return named.replace("'build/", `'${built}`);
}

/** A mutant as a subject of the goldens, see {@link importMutant}. */
export async function loadMutant(mutant: Mutant, folder: string): Promise<Subject> {
  const load = await importMutant(mutant, folder);
  return engineSubject(mutant.name, {
    load: (modelDir) => load(modelDir, { prefillChunk: PREFILL_CHUNK }),
  });
}
