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

test('kernels that are there and cannot be read need no build', async (t) => {
  const error = await t.throwsAsync(readKernels(new URL('./', import.meta.url)), {
    instanceOf: KernelError,
  });
  t.regex(error!.message, /^cannot read .* \(EISDIR\)$/);
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

/** The kernels over a memory of their own, and a job there, whose arguments are set by their names. */
async function openJob() {
  const memory = new KernelMemory(2 ** 24);
  const module = await compile(await readKernels(KERNELS_URL), KERNELS_URL);
  const functions = instantiate(module, KERNELS_URL, memory.memory);
  const job = memory.allocate(JOB_BYTES + 8 * MAX_ARGUMENTS);
  const values = new Float64Array(memory.buffer, job + JOB_BYTES, MAX_ARGUMENTS);
  const setArguments = (
    { argumentNames }: { argumentNames: readonly string[] },
    args: Readonly<Record<string, number>>,
  ) => {
    for (const [i, name] of argumentNames.entries()) values[i] = args[name] ?? 0;
  };
  return { memory, functions, job, setArguments };
}

test('every thread computes in scratch memory of its own', async (t) => {
  const { memory, functions, job, setArguments } = await openJob();
  const [x, panels, y] = [64, 16 * 64, 64].map((bytes) => memory.allocate(bytes));
  const [threads, scratchBytes] = [9, 2 ** 17];
  const scratch = memory.allocate(threads * scratchBytes);
  // A row of eight inputs times one panel: the sums of its leaves lie in scratch memory.
  const sizes = { rows: 1, numStrips: 1, inputs: 8, outputs: 16, leaves: 8 };
  setArguments(KERNELS.matmulF32, { x, panels, y, ...sizes });
  const regions = Array.from(
    { length: threads },
    (_, i) => new Uint8Array(memory.buffer, scratch + i * scratchBytes, scratchBytes),
  );
  for (let thread = 0; thread < threads; thread++) {
    for (const region of regions) region.fill(0xaa);
    functions.attach(job, thread);
    functions.setScratch(scratch, scratchBytes);
    // The other threads do not run, so this one computes all parts.
    functions.share(KERNELS.matmulF32.number, 1, 1, 1, 2, 0);
    const touched = regions.flatMap((region, i) => (region.every((byte) => byte === 0xaa) ? [] : [i]));
    t.deepEqual(touched, [thread]);
  }
});

test('parts have `grain` units until few are left, then fewer, down to `minGrain`', async (t) => {
  const { memory, functions, job, setArguments } = await openJob();
  functions.attach(job, 0);
  const { number } = KERNELS.argmax;
  const width = 4;
  const [indices, end] = [memory.allocate(4 * 100), memory.buffer.byteLength];
  const unclaimed = new Uint32Array(memory.buffer, job, 1);
  /** The end of the part with this unit: a row whose values lie outside the memory stops the call there. */
  const endOfPart = (unit: number, [units, ...grains]: readonly [number, number, number, number]) => {
    setArguments(KERNELS.argmax, { x: end - unit * width * 4, width, indices });
    t.throws(() => functions.share(number, units, ...grains, 0), { message: /out of bounds/ });
    return units - unclaimed[0];
  };
  for (const [sizes, ends] of [
    [
      [64, 8, 1, 2],
      [8, 16, 24, 32, 40, 46, 50, 53, 55, 57, 58, 59, 60, 61, 62, 63, 64],
    ],
    [
      [64, 8, 1, 8],
      [
        4, 7, 10, 13, 16, 19, 21, 23, 25, 27, 29, 31, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46,
        47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64,
      ],
    ],
    [
      [29, 8, 3, 2],
      [7, 12, 16, 19, 22, 25, 28, 29],
    ],
    [
      [10, 4, 4, 3],
      [4, 8, 10],
    ],
    [
      [5, 8, 1, 2],
      [1, 2, 3, 4, 5],
    ],
    [
      [100, 60, 20, 1],
      [50, 75, 95, 100],
    ],
  ] as const) {
    const seen = Array.from({ length: sizes[0] }, (_, unit) => endOfPart(unit, sizes));
    t.deepEqual([...new Set(seen)], [...ends], `share(${sizes})`);
  }
});
