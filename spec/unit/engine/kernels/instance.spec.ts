import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { compile, instantiate, readKernels } from '../../../../engine/kernels/instance.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';

/** The smallest WebAssembly module: magic number and version, no exports. */
const EMPTY_MODULE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

async function load(t: ExecutionContext, bytes?: Uint8Array): Promise<KernelError | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-kernels-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'kernels.wasm');
  if (bytes) await writeFile(path, bytes);
  const url = pathToFileURL(path);
  const loaded = readKernels(url)
    .then((read) => compile(read, url))
    .then((module) => instantiate(module, url, new KernelMemory().memory));
  return t.throwsAsync(loaded, { instanceOf: KernelError });
}

test('kernels that are not built are an error with the command that builds them', async (t) => {
  const error = await load(t);
  t.regex(
    error!.message,
    /^cannot read .*kernels\.wasm \(ENOENT\); build the kernels: npm run build:kernels/,
  );
});

test('a file that is not WebAssembly is refused', async (t) => {
  const error = await load(t, Buffer.from('not wasm'));
  t.regex(error!.message, /^cannot load .*kernels\.wasm .*npm run build:kernels/);
});

test('a module without the functions of the kernels is refused with their names', async (t) => {
  const error = await load(t, EMPTY_MODULE);
  t.regex(
    error!.message,
    /^cannot use .*kernels\.wasm: it lacks attach, close, fail, .*npm run build:kernels/,
  );
});

test('a V8 without relaxed SIMD is no broken file: the message names the version to use', (t) => {
  const url = pathToFileURL('/folder/kernels.wasm');
  const compileUnknown = () => compile(Buffer.from('unknown instructions'), url, () => false);
  const { message } = t.throws(compileUnknown, { instanceOf: KernelError })!;
  t.regex(
    message,
    /^cannot load \/folder\/kernels\.wasm: this .*\(V8 \d+.*\) has no relaxed SIMD for WebAssembly; use Node 22\.20/,
  );
});
