import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import test from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { compile } from '../../../../engine/kernels/instance.ts';
import { checkSources, hashSources, isBuiltFrom, withOrigin } from '../../../../engine/kernels/sources.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { copyOfKernels, createIn, kernelsIn } from '../../../support/wasm/kernels-copy.ts';

trackResources(test);

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

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
  const expected = {
    instanceOf: KernelError,
    message:
      `cannot use ${join(ROOT, 'kernels.wasm')}: it was built from other sources than those in ` +
      `${join(ROOT, 'engine/kernels/assembly/')}; rebuild the kernels: npm run build:kernels`,
  };
  t.throws(() => checkSources(hashed, url, 'b'.repeat(64)), expected);
  const plain = compile(empty, url);
  t.throws(() => checkSources(plain, url, hash), expected);
  t.throws(() => checkSources(plain, url), expected, 'by default the sources beside the kernels count');
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
