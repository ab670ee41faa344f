import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { KernelError } from '../errors.ts';
import type { SharedMemory } from './memory.ts';

// TypeScript knows WebAssembly only as part of the DOM, which this program has nothing to do with.
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<KernelModule>;
  Instance: new (
    module: KernelModule,
    imports: { env: { memory: SharedMemory } },
  ) => { exports: Record<string, unknown> };
};

/** Compiled kernels; threads can be sent it. */
export interface KernelModule {
  readonly [Symbol.toStringTag]: 'WebAssembly.Module';
}

/** What of `assembly/index.ts` is called. */
const FUNCTIONS = [
  'attach',
  'close',
  'fail',
  'gatherBF16',
  'gatherF16',
  'gatherF32',
  'run',
  'serve',
  'setScratch',
  'share',
] as const;

/** Every argument is an address in the memory, a count, or an f32. */
export type KernelFunctions = Record<(typeof FUNCTIONS)[number], (...args: number[]) => number>;

/** @throws KernelError if the file is missing or is not WebAssembly. */
export async function compile(wasmUrl: URL): Promise<KernelModule> {
  const path = fileURLToPath(wasmUrl);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new KernelError(`${path}: cannot be read (${code}); build the kernels: npm run build:kernels`, {
      cause,
    });
  }
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw cannotBeLoaded(path, cause);
  }
}

/**
 * Puts the compiled kernels onto a memory, in the calling thread.
 *
 * @throws KernelError if the module does not export what is expected of it.
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
      `${path}: lacks ${missing.join(', ')}, so it was built from other sources; build the kernels anew: npm run build:kernels`,
    );
  }
  return exports as KernelFunctions;
}

function cannotBeLoaded(path: string, cause: unknown): KernelError {
  return new KernelError(
    `${path}: cannot be loaded (${(cause as Error).message}); build the kernels anew: npm run build:kernels`,
    { cause },
  );
}
