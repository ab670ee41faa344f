import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { KernelError } from '../errors.ts';
import { describeCode } from '../terminal/shortage.ts';
import { type KernelModule, type SharedMemory, WebAssembly } from './web-assembly.ts';

/**
 * The functions of `assembly/threads/threads.ts` and `assembly/multiply-add.ts`, which describe them.
 * Addresses are in bytes.
 */
export interface KernelFunctions {
  attach(job: number, thread: number): void;
  close(): void;
  fail(): void;
  fuses(factor: number, summand: number): number;
  run(kernel: number, units: number): void;
  serve(): void;
  setScratch(address: number, bytes: number): void;
  share(
    kernel: number,
    units: number,
    grain: number,
    minGrain: number,
    threads: number,
    patience: number,
  ): number;
}

const FUNCTIONS = ['attach', 'close', 'fail', 'fuses', 'run', 'serve', 'setScratch', 'share'] as const;

/** (func (param v128 v128 v128) (result v128) (f32x4.relaxed_madd ...)). */
const RELAXED_MADD = Buffer.from(
  '0061736d010000000108016003' +
    '7b7b7b' +
    '017b' +
    '03020100' +
    '0a0d010b00' +
    '200020012002' +
    'fd8502' +
    '0b',
  'hex',
);

/** @throws KernelError if the file is missing or cannot be read. */
export async function readKernels(wasmUrl: URL): Promise<Uint8Array> {
  const path = fileURLToPath(wasmUrl);
  try {
    return await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const hint = code === 'ENOENT' ? '; build the kernels: npm run build:kernels' : '';
    throw new KernelError(`cannot read ${path} (${describeCode(cause)})${hint}`, { cause });
  }
}

/**
 * Compiles kernels; V8 compiles each function at its first call.
 *
 * @param isSupported whether V8 knows the instructions that the kernels use
 * @throws KernelError if the bytes are not WebAssembly, or this V8 lacks those instructions.
 */
export function compile(bytes: Uint8Array, wasmUrl: URL, isSupported = hasRelaxedSimd): KernelModule {
  const path = fileURLToPath(wasmUrl);
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    if (!isSupported()) {
      throw new KernelError(
        `cannot load ${path}: this JavaScript engine (V8 ${process.versions.v8}) has no relaxed SIMD for WebAssembly; use Node 22.20 or later`,
        { cause },
      );
    }
    throw cannotBeLoaded(path, cause);
  }
}

/** Whether V8 knows the instruction f32x4.relaxed_madd, by a module with one function of it. */
function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_MADD);
}

/**
 * Instantiates the compiled kernels on a memory, in the calling thread.
 *
 * @throws KernelError if the module lacks a function of {@link KernelFunctions}.
 */
export function instantiate(module: KernelModule, wasmUrl: URL, memory: SharedMemory): KernelFunctions {
  const path = fileURLToPath(wasmUrl);
  let exports: Record<string, unknown>;
  try {
    ({ exports } = new WebAssembly.Instance(module, { env: { memory } }));
  } catch (cause) {
    throw cannotBeLoaded(path, cause);
  }
  const missing = FUNCTIONS.filter((name) => typeof exports[name] !== 'function');
  if (missing.length > 0) {
    throw new KernelError(
      `cannot use ${path}: it lacks ${missing.join(', ')}; rebuild the kernels: npm run build:kernels`,
    );
  }
  return exports as unknown as KernelFunctions;
}

function cannotBeLoaded(path: string, cause: unknown): KernelError {
  return new KernelError(
    `cannot load ${path} (${(cause as Error).message}); rebuild the kernels: npm run build:kernels`,
    { cause },
  );
}
