import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { KernelError } from '../errors.ts';
import type { SharedMemory } from './memory.ts';

// TypeScript knows WebAssembly only as part of the DOM, which this program has nothing to do with.
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: { env: { memory: SharedMemory } },
  ): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

/** What `assembly/index.ts` exports. */
const FUNCTIONS = [
  'add',
  'addScaled',
  'attention',
  'gatherBF16',
  'gatherF16',
  'gatherF32',
  'matmulBF16',
  'matmulF16',
  'matmulF32',
  'rmsNorm',
  'rope',
  'siluMultiply',
  'storeKeyValue',
] as const;

/** Every argument is an address in the memory, a count, or an f32. */
export type KernelFunctions = Record<(typeof FUNCTIONS)[number], (...args: number[]) => void>;

/**
 * Loads the compiled kernels onto a memory.
 *
 * @throws KernelError if the file is missing, is not WebAssembly, or does not export what is expected of it.
 */
export async function instantiate(wasmUrl: URL, memory: SharedMemory): Promise<KernelFunctions> {
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
  let exports: Record<string, unknown>;
  try {
    ({ exports } = (await WebAssembly.instantiate(bytes, { env: { memory } })).instance);
  } catch (cause) {
    throw new KernelError(
      `${path}: cannot be loaded (${(cause as Error).message}); build the kernels anew: npm run build:kernels`,
      { cause },
    );
  }
  const missing = FUNCTIONS.filter((name) => typeof exports[name] !== 'function');
  if (missing.length > 0) {
    throw new KernelError(
      `${path}: lacks ${missing.join(', ')}, so it was built from other sources; build the kernels anew: npm run build:kernels`,
    );
  }
  return exports as KernelFunctions;
}
