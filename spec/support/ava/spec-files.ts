import { existsSync, globSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The file that runs the specs of its folder in one process, see `run-specs.ts`. */
const ALL = 'all.ts';

export const SPEC = '.spec.ts';

/** The spec files in a folder, and in the folders in it that have no `all.ts` of their own. */
export function specFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return existsSync(join(path, ALL)) ? [] : specFiles(path);
      return path.endsWith(SPEC) ? [path] : [];
    });
}

/**
 * The files that AVA starts in processes of their own: each `all.ts` in the folders that the command line
 * names, and each spec that is in none of them. A command line that names single files gets these.
 *
 * @param root the folder of the repository, absolute.
 * @param args of the command `ava`: folders and patterns, relative to `root`; none names all folders.
 * @returns paths relative to `root`.
 */
export function startedFiles(root: string, args: readonly string[]): string[] {
  const glob = (pattern: string) => globSync(pattern, { cwd: root });
  const named = args.filter((argument) => !argument.startsWith('-'));
  const folders = named.flatMap((argument) => {
    if (argument.endsWith('/**')) return [argument.slice(0, -'/**'.length)];
    return statSync(join(root, argument), { throwIfNoEntry: false })?.isDirectory() ? [argument] : [];
  });
  const namesFolders = folders.length === named.length;
  const all = namesFolders
    ? (named.length === 0 ? ['spec'] : folders).flatMap((f) => glob(`${f}/**/${ALL}`))
    : [];
  const inThem = new Set(all.flatMap((file) => specFiles(join(root, dirname(file)))));
  return [...new Set(all), ...glob(`spec/**/*${SPEC}`).filter((file) => !inThem.has(join(root, file)))];
}

/** The number of spec files that AVA runs with a file that it starts. */
export function specCount(file: string): number {
  return basename(file) === ALL ? specFiles(dirname(file)).length : 1;
}
