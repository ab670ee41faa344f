import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./misbehaving.ts', import.meta.url));

/** The command of an engine that does one thing wrong. @param mode one of those in misbehaving.ts. */
export function misbehaving(mode: string, maxConcurrency = 1): string[] {
  return [process.execPath, PROGRAM, mode, String(maxConcurrency)];
}
