import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { JOB_BYTES, MAX_ARGUMENTS } from '../../../../engine/kernels/abi.ts';
import { compile, instantiate, readKernels } from '../../../../engine/kernels/instance.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';
import { KERNELS_URL } from '../../../../engine/kernels/sources.ts';
import { KERNELS } from '../../../../engine/kernels/table.ts';

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
    /^cannot read .*kernels\.wasm \(ENOENT\); build the kernels: npm run build:kernels$/,
  );
  t.like(error!.cause, { code: 'ENOENT' });
});

test('a file that is not WebAssembly is refused', async (t) => {
  const error = await load(t, Buffer.from('not wasm'));
  const { message } = error!.cause as Error;
  t.true(error!.message.endsWith(`/kernels.wasm (${message}); rebuild the kernels: npm run build:kernels`));
});

test('a module without the functions of the kernels is refused with their names', async (t) => {
  const error = await load(t, EMPTY_MODULE);
  t.regex(
    error!.message,
    /^cannot use .*kernels\.wasm: it lacks attach, close, fail, fuses, run, serve, setScratch, share; rebuild the kernels: npm run build:kernels$/,
  );
});

test('a V8 without relaxed SIMD is no broken file: the message names the version to use', (t) => {
  const url = pathToFileURL('/folder/kernels.wasm');
  const compileUnknown = () => compile(Buffer.from('unknown instructions'), url, () => false);
  const { cause } = t.throws(compileUnknown, {
    instanceOf: KernelError,
    message:
      `cannot load /folder/kernels.wasm: this JavaScript engine (V8 ${process.versions.v8}) has no relaxed SIMD for ` +
      'WebAssembly; use Node 22.20 or later',
  });
  t.true(cause instanceof Error);
});

test('every thread computes in scratch memory of its own', async (t) => {
  const memory = new KernelMemory(2 ** 24);
  const module = await compile(await readKernels(KERNELS_URL), KERNELS_URL);
  const functions = instantiate(module, KERNELS_URL, memory.memory);
  const [job, x, panels, y] = [JOB_BYTES + 8 * MAX_ARGUMENTS, 64, 16 * 64, 64].map((bytes) =>
    memory.allocate(bytes),
  );
  const [threads, scratchBytes] = [9, 2 ** 17];
  const scratch = memory.allocate(threads * scratchBytes);
  // A row of eight inputs times one panel: the sums of its leaves lie in scratch memory.
  const sizes = { rows: 1, numStrips: 1, inputs: 8, outputs: 16, leaves: 8 };
  const args: Record<string, number> = { x, panels, y, ...sizes };
  const { number, argumentNames } = KERNELS.matmulF32;
  const values = new Float64Array(memory.buffer, job + JOB_BYTES, MAX_ARGUMENTS);
  for (const [i, name] of argumentNames.entries()) values[i] = args[name] ?? 0;
  const regions = Array.from(
    { length: threads },
    (_, i) => new Uint8Array(memory.buffer, scratch + i * scratchBytes, scratchBytes),
  );
  for (let thread = 0; thread < threads; thread++) {
    for (const region of regions) region.fill(0xaa);
    functions.attach(job, thread);
    functions.setScratch(scratch, scratchBytes);
    // The other threads do not run, so this one computes all parts.
    functions.share(number, 1, 1, 0);
    const touched = regions.flatMap((region, i) => (region.every((byte) => byte === 0xaa) ? [] : [i]));
    t.deepEqual(touched, [thread]);
  }
});
