import fs, { type PathLike, type PathOrFileDescriptor } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Calls back for each file that this thread opens or reads as a whole, by the functions of `node:fs` that the
 * engine uses, until the returned function is called.
 */
export function onOpen(callback: (path: string) => void): () => void {
  const { openSync, readFileSync } = fs;
  const { readFile } = fs.promises;
  const report = <Args extends [PathOrFileDescriptor | PathLike | object, ...unknown[]], Result>(
    original: (...args: Args) => Result,
  ) =>
    function (this: unknown, ...args: Args): Result {
      callback(String(args[0]));
      return original.apply(this, args);
    };
  Object.assign(fs, { openSync: report(openSync), readFileSync: report(readFileSync as never) });
  Object.assign(fs.promises, { readFile: report(readFile as never) });
  // Modules that have imported the functions by name call the new ones from now on.
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, { openSync, readFileSync });
    Object.assign(fs.promises, { readFile });
    syncBuiltinESMExports();
  };
}
