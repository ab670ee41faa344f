// Compiles assembly/ to build/kernels.wasm, with the hash of its sources in it: npm run build:kernels.
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashSources, withHash } from './sources.ts';

const folder = import.meta.dirname;
const output = join(folder, 'build', 'kernels.wasm');
// Written beside, then renamed, so that no process reads a file that is half written or has no hash.
const partial = join(folder, 'build', `kernels.${process.pid}.wasm`);

// Hashed first: if a source changes during the build, the kernels count as stale.
const hash = hashSources();
if (hash === undefined) throw new Error(`cannot build the kernels: ${folder} has no assembly/`);
const { status } = spawnSync(
  process.execPath,
  [
    fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js')),
    ...[join(folder, 'assembly', 'index.ts'), '--config', join(folder, 'assembly', 'asconfig.json')],
    ...['--outFile', partial],
  ],
  { stdio: 'inherit' },
);
if (status === 0) {
  writeFileSync(partial, withHash(readFileSync(partial), hash));
  renameSync(partial, output);
}
rmSync(partial, { force: true });
process.exitCode = status ?? 1;
