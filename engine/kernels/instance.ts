import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { KernelError } from '../errors.ts';
import type { SharedMemory } from './memory.ts';

// TypeScript declares WebAssembly only as part of the DOM.
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<KernelModule>;
  Instance: new (
    module: KernelModule,
    imports: { env: { memory: SharedMemory } },
  ) => { exports: Record<string, unknown> };
};

/** Compiled kernels; a module can be sent to threads. */
export interface KernelModule {
  readonly [Symbol.toStringTag]: 'WebAssembly.Module';
}

/** The functions of `assembly/threads/threads.ts`, which describes them. Addresses are in bytes. */
export interface KernelFunctions {
  attach(job: number, thread: number): void;
  close(): void;
  fail(): void;
  run(kernel: number, units: number): void;
  serve(): void;
  setScratch(address: number, bytes: number): void;
  share(kernel: number, units: number, grain: number, patience: number): number;
}

const FUNCTIONS = ['attach', 'close', 'fail', 'run', 'serve', 'setScratch', 'share'] as const;

/** @throws KernelError if the file is missing or is not WebAssembly. */
export async function compile(wasmUrl: URL): Promise<KernelModule> {
  const path = fileURLToPath(wasmUrl);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new KernelError(`cannot read ${path} (${code}); build the kernels: npm run build:kernels`, {
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
