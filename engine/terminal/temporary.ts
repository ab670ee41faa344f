import { existsSync, rmSync } from 'node:fs';

/**
 * A file or folder that is removed when it is no longer needed, and at the latest when the process exits.
 */
export interface Temporary {
  readonly path: string;
  /** Removes it if it is still there. */
  remove(): void;
}

/** Takes charge of a path, which need not exist yet. A process that is killed outright leaves it behind. */
export function temporary(path: string): Temporary {
  const remove = () => {
    process.off('exit', remove);
    if (existsSync(path)) rmSync(path, { recursive: true, force: true });
  };
  process.once('exit', remove);
  return { path, remove };
}
