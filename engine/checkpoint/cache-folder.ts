import { enableCompileCache } from 'node:module';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../terminal/make-folder.ts';

/**
 * The user's home directory: `HOME`, else the one that the system knows.
 *
 * @param lookUps how the system is asked.
 * @returns null without one, as in a container for a user id that has no name.
 */
export function homeFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  lookUps: readonly (() => string)[] = [homedir, () => userInfo().homedir],
): string | null {
  if (env.HOME) return env.HOME;
  for (const find of lookUps) {
    try {
      // An empty HOME is what homedir() returns; a path from it would lie in the current folder.
      const folder = find();
      if (folder !== '') return folder;
    } catch {
      // The system does not know the user.
    }
  }
  return null;
}

/**
 * Where Plumbline keeps what it can make again: `$PLUMBLINE_CACHE`, else `~/.cache/plumbline`; without a home
 * directory a folder of the user's in the system's folder for temporary files.
 */
export function cacheFolder(home: string | null = homeFolder()): string {
  if (process.env.PLUMBLINE_CACHE) return process.env.PLUMBLINE_CACHE;
  if (home === null) return join(tmpdir(), `plumbline-${process.getuid?.() ?? 'user'}`);
  return join(home, '.cache', 'plumbline');
}

/**
 * Where Node keeps compiled code, so that a second start does not strip types and compile again: it takes
 * less than half the time, and 30 MB less memory.
 *
 * @returns undefined without a home directory: code is not run from a folder that another user can make.
 */
export function compileCacheFolder(home: string | null = homeFolder()): string | undefined {
  if (!process.env.PLUMBLINE_CACHE && home === null) return undefined;
  return join(cacheFolder(home), 'compiled');
}

/** Keeps compiled code in {@link compileCacheFolder}; one that cannot be used costs time and nothing else. */
export function keepCompiledCode(): void {
  const folder = compileCacheFolder();
  if (folder === undefined) return;
  try {
    makeFolder(folder);
    enableCompileCache(folder);
  } catch {
    // Without the compile cache, a start compiles everything.
  }
}
