import { compile, instantiate, readKernels } from './instance.ts';
import { canRevectorize, checkWide } from './revectorize.ts';
import { checkSources, EMULATED_NAME } from './sources.ts';
import type { KernelModule, SharedMemory } from './web-assembly.ts';

/** Compiled kernels that suit this machine. */
export interface SelectedKernels {
  readonly module: KernelModule;
  /** Whether V8 fuses vectors to 256 bits, so that tiles of 16 outputs are fast. */
  readonly isWide: boolean;
}

export interface SelectOptions {
  /**
   * A memory in which nothing is allocated yet, for the small products that are computed to choose; zeroed
   * again. Not one of its own: V8 reserves gigabytes of address space for each.
   */
  readonly memory: SharedMemory;
  readonly revectorize: boolean;
  readonly onWarning: (line: string) => void;
}

/** (1 + 2⁻¹²)² is 1 + 2⁻¹¹ + 2⁻²⁴: rounded on its own, the product and this summand add up to 0. */
const FACTOR = 1 + 2 ** -12;
const SUMMAND = -(1 + 2 ** -11);

/**
 * Compiles the kernels that suit this machine: where it has no fused multiply-add, those that compute one
 * in f64; and with vectors of 256 bits where V8 can make them and they give the same bits. No choice
 * changes a bit.
 *
 * @param wasmUrl of the kernels; those for machines without a fused multiply-add lie beside them
 * @throws KernelError if they are not built, or were built from other sources.
 */
export async function selectKernels(wasmUrl: URL, options: SelectOptions): Promise<SelectedKernels> {
  const bytes = await readKernels(wasmUrl);
  const module = load(bytes, wasmUrl);
  const { memory } = options;
  const { fuses } = instantiate(module, wasmUrl, memory);
  if (!fuses(FACTOR, SUMMAND)) {
    options.onWarning(
      'this processor has no fused multiply-add; it is computed in f64: the same bits, many times slower',
    );
    const emulatedUrl = new URL(EMULATED_NAME, wasmUrl);
    return { module: load(await readKernels(emulatedUrl), emulatedUrl), isWide: false };
  }
  if (!options.revectorize || !canRevectorize()) return { module, isWide: false };
  const wide = checkWide({ narrow: module, bytes, wasmUrl, memory });
  new Uint8Array(memory.buffer).fill(0);
  return wide ? { module: wide, isWide: true } : { module, isWide: false };
}

function load(bytes: Uint8Array, wasmUrl: URL): KernelModule {
  const module = compile(bytes, wasmUrl);
  checkSources(module, wasmUrl);
  return module;
}
