// Compiles assembly/ to build/kernels.wasm, and to build/kernels-emulated.wasm for machines without a fused
// multiply-add, each with the hash of its sources and its compiler's version in it: npm run build:kernels.
// With --if-stale a file is kept if the same compiler has built it from the same sources.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EMULATED_NAME, hashSources, isBuiltFrom, KERNELS_NAME, withOrigin } from './sources.ts';

const folder = import.meta.dirname;
const compiler = fileURLToPath(import.meta.resolve('assemblyscript/bin/asc.js'));
const { version } = createRequire(import.meta.url)('assemblyscript/package.json');
const source = join(folder, 'assembly', 'index.ts');
const config = join(folder, 'assembly', 'asconfig.json');
/** The targets of asconfig.json and what they are built to. */
const TARGETS = { release: KERNELS_NAME, emulated: EMULATED_NAME };

// Hashed first: if a source changes during the build, the kernels count as stale.
const hash = hashSources();
if (hash === undefined) throw new Error(`cannot build the kernels: ${folder} has no assembly/`);
const origin = { hash, compiler: `assemblyscript ${version}` };
const keepsBuilt = process.argv.includes('--if-stale');
for (const [target, name] of Object.entries(TARGETS)) {
  const output = join(folder, 'build', name);
  if (keepsBuilt && existsSync(output) && isBuiltFrom(readFileSync(output), origin)) continue;
  // Written beside, then renamed, so that no process reads a file that is half written or has no hash.
  const partial = join(folder, 'build', `${process.pid}.${name}`);
  const args = [compiler, source, '--config', config, '--target', target, '--outFile', partial];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status === 0) {
    writeFileSync(partial, withOrigin(readFileSync(partial), origin));
    renameSync(partial, output);
  }
  rmSync(partial, { force: true });
  process.exitCode = status ?? 1;
  if (process.exitCode !== 0) break;
}
