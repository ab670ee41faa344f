import { existsSync, readFileSync } from 'node:fs';

/**
 * The version in the nearest package.json above a module. The sources and the compiled files in `dist/` lie at
 * different depths below it.
 *
 * @param module URL of a module of the package. Default: this one.
 * @throws Error if there is no package.json in any folder above.
 */
export function packageVersion(module: string | URL = import.meta.url): string {
  let folder = new URL('.', module);
  for (;;) {
    const path = new URL('package.json', folder);
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')).version;
    const parent = new URL('..', folder);
    if (parent.href === folder.href) throw new Error(`${module}: no package.json in any folder above`);
    folder = parent;
  }
}
