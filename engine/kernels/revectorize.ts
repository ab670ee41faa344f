import { isAscii } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8 fuse neighbouring 128-bit operations of WebAssembly into 256-bit ones
 * (`--experimental-wasm-revectorize`), where the processor has AVX2; V8 in Node 22 fuses none of ours. Each
 * lane computes the same, so no bit changes. The setting holds for the whole process and for code compiled
 * from then on: kernels created earlier keep their code.
 */
export function revectorize(): void {
  setFlagsFromString('--experimental-wasm-revectorize');
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
