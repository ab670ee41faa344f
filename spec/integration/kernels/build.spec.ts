import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { trackResources } from '../../support/processes/cleanup.ts';
import { copyOfKernels, createIn } from '../../support/wasm/kernels-copy.ts';

trackResources(test);

const run = promisify(execFile);

/** Optimizing takes two thirds of a build's time, and no test here computes with the kernels. */
const buildQuickly = (folder: string) =>
  edit(join(folder, 'engine/kernels/assembly/asconfig.json'), '"optimizeLevel": 3', '"optimizeLevel": 0');

async function edit(path: string, find: string, replace: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  if (!text.includes(find)) throw new Error(`${path} does not contain ${find}`);
  await writeFile(path, text.replace(find, replace));
}

test('kernels whose sources were edited are refused until they are built again', async (t) => {
  const folder = await copyOfKernels(t);
  t.is(await createIn(folder), 'created');
  const path = join(folder, 'engine', 'kernels', 'assembly', 'elementwise', 'elementwise.ts');
  await edit(path, 'f32x4.add(v128.load(x), v128.load(y))', 'f32x4.sub(v128.load(x), v128.load(y))');
  const message = await createIn(folder);
  t.regex(message, /^KernelError cannot use .*kernels\.wasm: it was built from other sources than those in /);
  t.regex(message, /rebuild the kernels: npm run build:kernels$/);
  await buildQuickly(folder);
  await run(process.execPath, [join(folder, 'engine', 'kernels', 'build.ts')]);
  t.is(await createIn(folder), 'created');
  const built = join(folder, 'engine', 'kernels', 'build', 'kernels.wasm');
  const { mtimeMs } = await stat(built);
  await run(process.execPath, [join(folder, 'engine', 'kernels', 'build.ts'), '--if-stale']);
  t.is((await stat(built)).mtimeMs, mtimeMs, 'the same compiler has built it from the same sources');
});

test('a build that fails leaves the kernels as they were', async (t) => {
  const folder = await copyOfKernels(t);
  const built = join(folder, 'engine', 'kernels', 'build');
  const before = await readFile(join(built, 'kernels.wasm'));
  const path = join(folder, 'engine', 'kernels', 'assembly', 'elementwise', 'rope.ts');
  await edit(path, 'const heads', 'const');
  await buildQuickly(folder);
  const failure = await t.throwsAsync(run(process.execPath, [join(folder, 'engine', 'kernels', 'build.ts')]));
  // With CI set the compiler writes colours.
  const errors = stripVTControlCharacters((failure as Error & { stderr: string }).stderr);
  t.regex(errors, /ERROR TS\d+.*[\s\S]*rope\.ts/);
  t.deepEqual(await readFile(join(built, 'kernels.wasm')), before);
});
