#!/usr/bin/env node
import { processIo } from './cli/io.ts';
import { run } from './cli/program.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read the output has seen enough, as `head` does.
  if (error.code === 'EPIPE') process.exit();
  process.stderr.write(`plumbline: standard output cannot be written (${error.code})\n`);
  process.exit(1);
});
process.exitCode = await run(process.argv.slice(2), processIo);
