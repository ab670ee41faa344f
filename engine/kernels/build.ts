// Compiles assembly/ to build/kernels.wasm, and to build/kernels-emulated.wasm for machines without a fused
// multiply-add, each with the hash of its sources in it: npm run build:kernels.
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EMULATED_NAME, hashSources, KERNELS_NAME, withHash } from './sources.ts';

const folder = import.meta.dirname;
const compiler = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
const source = join(folder, 'assembly', 'index.ts');
const config = join(folder, 'assembly', 'asconfig.json');
/** The targets of asconfig.json and what they are built to. */
const TARGETS = { release: KERNELS_NAME, emulated: EMULATED_NAME };

// Hashed first: if a source changes during the build, the kernels count as stale.
const hash = hashSources();
if (hash === undefined) throw new Error(`cannot build the kernels: ${folder} has no assembly/`);
for (const [target, name] of Object.entries(TARGETS)) {
  const output = join(folder, 'build', name);
  // Written beside, then renamed, so that no process reads a file that is half written or has no hash.
  const partial = join(folder, 'build', `${process.pid}.${name}`);
  const args = [compiler, source, '--config', config, '--target', target, '--outFile', partial];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status === 0) {
    writeFileSync(partial, withHash(readFileSync(partial), hash));
    renameSync(partial, output);
  }
  rmSync(partial, { force: true });
  process.exitCode = status ?? 1;
  if (process.exitCode !== 0) break;
}
