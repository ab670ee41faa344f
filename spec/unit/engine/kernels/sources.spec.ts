import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { compile } from '../../../../engine/kernels/instance.ts';
import { checkSources, hashSources, isBuiltFrom, withOrigin } from '../../../../engine/kernels/sources.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** The kernels and what they import, beside each other in engine/. */
const PARTS = ['kernels', 'terminal', 'errors.ts', 'config.ts', 'options.ts'];

/** A copy of the kernels in a folder of its own. */
async function copyOfKernels(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-sources-'));
  t.teardown(() => rm(folder, { recursive: true }));
  for (const path of ['package.json', ...PARTS.map((part) => join('engine', part))]) {
    await cp(join(ROOT, path), join(folder, path), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

const kernelsIn = (folder: string) => pathToFileURL(join(folder, 'engine', 'kernels', '/'));

/** Optimizing takes two thirds of a build's time, and no test here computes with the kernels. */
const buildQuickly = (folder: string) =>
  edit(join(folder, 'engine/kernels/assembly/asconfig.json'), '"optimizeLevel": 3', '"optimizeLevel": 0');

async function edit(path: string, find: string, replace: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  if (!text.includes(find)) throw new Error(`${path} does not contain ${find}`);
  await writeFile(path, text.replace(find, replace));
}

/**
 * Creates the kernels of a folder in a process of its own.
 *
 * @returns the error's name and message, or "created"
 */
async function createIn(folder: string): Promise<string> {
  const program = `
    const { createWasmKernels } = await import(${JSON.stringify(new URL('wasm.ts', kernelsIn(folder)).href)});
    await createWasmKernels().then(() => console.log('created'), ({ name, message }) => console.log(name, message));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  return stdout.trim();
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

test('the hash depends on the text and the name of every source, and on nothing else', async (t) => {
  const folder = await copyOfKernels(t);
  const kernels = join(folder, 'engine', 'kernels');
  const hash = () => hashSources(kernelsIn(folder));
  const before = hash();
  t.regex(before!, /^[0-9a-f]{64}$/);
  t.is(before, hashSources(), 'the folder does not matter');
  await writeFile(join(kernels, 'wasm.ts'), '');
  await writeFile(join(kernels, 'assembly', 'notes.txt'), 'a note');
  t.is(hash(), before);
  const hashes = new Set([before]);
  for (const name of ['abi.ts', 'numerics.ts', 'assembly/asconfig.json', 'assembly/matmul/tile.ts']) {
    const path = join(kernels, name);
    await writeFile(path, `${await readFile(path, 'utf8')}\n`);
    hashes.add(hash());
  }
  await cp(join(kernels, 'assembly', 'sizes.ts'), join(kernels, 'assembly', 'counts.ts'));
  hashes.add(hash());
  t.is(hashes.size, 6);
});

test('an installed package, which has no sources, has nothing to check', async (t) => {
  const folder = await copyOfKernels(t);
  await rm(join(folder, 'engine', 'kernels', 'assembly'), { recursive: true });
  t.is(hashSources(kernelsIn(folder)), undefined);
  t.is(await createIn(folder), 'created');
});

test('the hash is found in the compiled file, and a file without one is refused', async (t) => {
  const empty = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  const hash = 'a'.repeat(64);
  const url = pathToFileURL(join(ROOT, 'kernels.wasm'));
  const hashed = compile(withOrigin(empty, { hash, compiler: 'compiler 1' }), url);
  t.notThrows(() => checkSources(hashed, url, hash));
  t.throws(() => checkSources(hashed, url, 'b'.repeat(64)), { instanceOf: KernelError });
  const plain = compile(empty, url);
  t.throws(() => checkSources(plain, url, hash), { instanceOf: KernelError, message: /other sources/ });
});

test('a file is stale if its sources or its compiler are others, or if it is not whole', (t) => {
  const empty = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  const origin = { hash: 'a'.repeat(64), compiler: 'compiler 1' };
  const built = withOrigin(empty, origin);
  t.true(isBuiltFrom(built, origin));
  t.false(isBuiltFrom(built, { ...origin, hash: 'b'.repeat(64) }), 'other sources');
  t.false(isBuiltFrom(built, { ...origin, compiler: 'compiler 2' }), 'another compiler');
  t.false(isBuiltFrom(built.slice(0, -1), origin), 'cut off');
  t.false(isBuiltFrom(empty, origin), 'no origin');
});
