/**
 * Builds `dist/`, which is what the npm package has: compiled modules, the kernels, and the goldens of the
 * small fixtures. `npm run build` compiles the kernels before.
 *
 * With `--commands` it also writes `dist/bin/`, which package.json names as the folder of the commands. That
 * folder exists only while npm packs. Without it `npx plumbline` in the repository runs `engine/cli.ts`
 * through node_modules/.bin; with it, npx would run what was built last, and would change the mode of the
 * file, which only the owner of the checkout may do.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QUICK_FIXTURES } from '../generator/fixtures/fixture-specs.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');

/** Files that compiled modules read, by their paths in the repository and in `dist/`. */
const DATA = [
  'engine/kernels/build/kernels.wasm',
  'engine/kernels/build/kernels-emulated.wasm',
  'golden/models.json',
  'golden/prompts.json',
  'verify/verdict.schema.json',
  ...QUICK_FIXTURES.map((name) => `golden/${name}`),
];

/** The commands by name, each with the module that it runs. */
const COMMANDS = {
  plumbline: 'engine/cli.js',
  'plumbline-goldens': 'generator/cli.js',
  'plumbline-verify': 'verify/cli.js',
};

rmSync(DIST, { recursive: true, force: true });
const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
execFileSync(process.execPath, [compiler, '-p', join(ROOT, '.ci/tsconfig.build.json')], { stdio: 'inherit' });
for (const path of DATA) cpSync(join(ROOT, path), join(DIST, path), { recursive: true });
if (process.argv.includes('--commands')) writeCommands();

function writeCommands(): void {
  mkdirSync(join(DIST, 'bin'));
  for (const [name, module] of Object.entries(COMMANDS)) {
    writeFileSync(join(DIST, 'bin', name), `#!/usr/bin/env node\nimport '../${module}';\n`, { mode: 0o755 });
  }
}
