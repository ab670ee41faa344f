import { isAscii } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';
import { compile, instantiate } from './instance.ts';
import { type Loops, runLoops, WIDE_LOOPS } from './loops.ts';
import { withSection } from './sources.ts';
import type { KernelModule, SharedMemory } from './web-assembly.ts';

/** The major versions of V8 that fuse the vectors of the kernels: of Node 24 and 26. Node 22 fuses none. */
const V8_MAJORS = [13, 14];

/** Whether V8 can fuse 128-bit vectors of WebAssembly to 256 bits here. */
export function canRevectorize(): boolean {
  return process.arch === 'x64' && V8_MAJORS.includes(Number.parseInt(process.versions.v8, 10));
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
 * Takes about 10 ms, most of it V8's compiler.
 *
 * V8's flags hold for the whole process and for code compiled from then on: kernels created earlier keep
 * theirs. Synchronous, so that no other call in this thread sets them back meanwhile.
 *
 * @returns the kernels with fused vectors, or undefined if they compute other bits.
 */
export function checkWide({ narrow, bytes, wasmUrl, memory }: WideCheck): KernelModule | undefined {
  const expected = resultsOf(instantiate(narrow, wasmUrl, memory), memory);
  setFlagsFromString('--experimental-wasm-revectorize');
  // V8 counts for each module how much of it ran, and has its optimising compiler compile what ran enough:
  // here each loop in its first run, and before that ends. To turn the quick compiler off instead is fatal
  // in V8 14 for whatever other threads then call first, if it calls other functions.
  setFlagsFromString('--wasm-tiering-budget=1');
  setFlagsFromString('--wasm-sync-tier-up');
  try {
    // V8 would give the same code to the same bytes.
    const wide = compile(withSection(bytes, 'vectors', '256'), wasmUrl);
    const functions = instantiate(wide, wasmUrl, memory);
    resultsOf(functions, memory);
    const results = resultsOf(functions, memory);
    clearUpperHalves();
    if (results.every((bytes, i) => Buffer.compare(bytes, expected[i]) === 0)) return wide;
  } finally {
    // V8's defaults.
    setFlagsFromString('--no-wasm-sync-tier-up');
    setFlagsFromString('--wasm-tiering-budget=13000000');
  }
  setFlagsFromString('--no-experimental-wasm-revectorize');
  return undefined;
}

function resultsOf(functions: object, memory: SharedMemory): Uint8Array[] {
  return [...runLoops(functions as Loops, memory, WIDE_LOOPS).values()];
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
