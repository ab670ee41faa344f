#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { compileCacheFolder } from './checkpoint/cache-folder.ts';

enableCompileCache(compileCacheFolder());
// Dynamic, because modules imported before the cache is enabled are not cached.
const [{ processIo }, { run }, { exitOnOutputError }, { withFixtures }] = await Promise.all([
  import('./cli/io.ts'),
  import('./cli/program.ts'),
  import('./terminal/output.ts'),
  import('../generator/fixtures/resolve-fixture.ts'),
]);

exitOnOutputError('plumbline');
const resolveModel = withFixtures(processIo.resolveModel, processIo.stderr);
process.exitCode = await run(process.argv.slice(2), { ...processIo, resolveModel });
