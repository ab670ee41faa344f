import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

type Transfer = (fd: number, bytes: Uint8Array, offset: number, length: number, position?: number) => number;

/**
 * Lets `readSync` and `writeSync` of this thread move at most `most` bytes in a call, as a system may, until
 * the returned function is called.
 */
export function transferAtMost(most: number): () => void {
  const { readSync, writeSync } = fs;
  const shortened =
    (transfer: Transfer): Transfer =>
    (fd, bytes, offset, length, position) =>
      transfer(fd, bytes, offset, Math.min(length, most), position);
  Object.assign(fs, {
    readSync: shortened(readSync as Transfer),
    writeSync: shortened(writeSync as Transfer),
  });
  // Modules that have imported the functions by name call the new ones from now on.
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, { readSync, writeSync });
    syncBuiltinESMExports();
  };
}
