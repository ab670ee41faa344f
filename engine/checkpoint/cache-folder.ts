import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where Plumbline keeps what it can make again: `$PLUMBLINE_CACHE`, else `~/.cache/plumbline`. */
export function cacheFolder(): string {
  return process.env.PLUMBLINE_CACHE || join(homedir(), '.cache', 'plumbline');
}

/**
 * Where Node keeps compiled code, so that a second start does not strip types and compile again: it takes
 * less than half the time, and 30 MB less memory.
 */
export function compileCacheFolder(): string {
  return join(cacheFolder(), 'compiled');
}
