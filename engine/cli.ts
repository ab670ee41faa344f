#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { compileCacheFolder } from './checkpoint/cache-folder.ts';

enableCompileCache(compileCacheFolder());
// Imported only now: what was imported before is not cached.
const [{ processIo }, { run }] = await Promise.all([import('./cli/io.ts'), import('./cli/program.ts')]);

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read the output has seen enough, as `head` does.
  if (error.code === 'EPIPE') process.exit();
  process.stderr.write(`plumbline: standard output cannot be written (${error.code})\n`);
  process.exit(1);
});
process.exitCode = await run(process.argv.slice(2), processIo);
