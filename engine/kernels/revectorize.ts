import { isAscii } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';
import { compile, instantiate, type KernelModule } from './instance.ts';
import { type Loops, runLoops, WIDE_LOOPS } from './loops.ts';
import type { SharedMemory } from './memory.ts';
import { withSection } from './sources.ts';

/**
 * The major version of V8 that fuses the vectors of the kernels: Node 24's. Node 22 fuses none; V8 14 of
 * Node 26 has ended with a fatal error after its compiler was exchanged at start.
 */
const V8_MAJOR = 13;

/** Whether V8 can fuse 128-bit vectors of WebAssembly to 256 bits here. */
export function canRevectorize(): boolean {
  return process.arch === 'x64' && Number.parseInt(process.versions.v8, 10) === V8_MAJOR;
}

/** What {@link checkWide} compares. */
export interface WideCheck {
  /**
   * The kernels compiled without; their loops must not have run before, so that V8's quick compiler, which
   * fuses nothing, compiles them.
   */
  readonly narrow: KernelModule;
  /** The compiled file. */
  readonly bytes: Uint8Array;
  readonly wasmUrl: URL;
  /** Overwritten. */
  readonly memory: SharedMemory;
}

/**
 * Compiles the kernels with V8's `--experimental-wasm-revectorize`, which fuses neighbouring 128-bit
 * operations into 256-bit ones. Each lane computes the same, so no bit may change: every vector loop
 * computes a small product in both modules, and one different bit means that the kernels stay at 128 bits.
 * Takes about 15 ms, most of it V8's compiler.
 *
 * V8's flags hold for the whole process and for code compiled from then on: kernels created earlier keep
 * theirs.
 *
 * @returns the kernels with fused vectors, or undefined if they compute other bits.
 */
export async function checkWide({
  narrow,
  bytes,
  wasmUrl,
  memory,
}: WideCheck): Promise<KernelModule | undefined> {
  const expected = resultsOf(narrow, wasmUrl, memory);
  setFlagsFromString('--experimental-wasm-revectorize');
  // V8 would give the same code to the same bytes.
  const wide = await compile(withSection(bytes, 'vectors', '256'), wasmUrl);
  // The optimising compiler compiles each loop at its first call.
  setFlagsFromString('--no-liftoff');
  try {
    const results = resultsOf(wide, wasmUrl, memory);
    clearUpperHalves();
    if (results.every((bytes, i) => Buffer.compare(bytes, expected[i]) === 0)) return wide;
  } finally {
    setFlagsFromString('--liftoff');
  }
  setFlagsFromString('--no-experimental-wasm-revectorize');
  return undefined;
}

function resultsOf(module: KernelModule, wasmUrl: URL, memory: SharedMemory): Uint8Array[] {
  const functions = instantiate(module, wasmUrl, memory);
  return [...runLoops(functions as unknown as Loops, memory, WIDE_LOOPS).values()];
}

/** One vector of 512 bits. */
const LETTERS = new Uint8Array(64);

/**
 * Clears the upper halves of the processor's vector registers, in about 50 ns. V8 leaves them set after
 * fused code, and JavaScript that V8 has not compiled with AVX, such as its interpreter, then runs up to
 * twenty times slower. WebAssembly has no instruction to clear them, but a native function of Node that uses
 * wide vectors does so at its end (Intel, Software Developer's Manual, VZEROUPPER).
 */
export function clearUpperHalves(): void {
  isAscii(LETTERS);
}
