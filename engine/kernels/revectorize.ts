import { isAscii } from 'node:buffer';
import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8 fuse neighbouring 128-bit operations of WebAssembly into 256-bit ones (`--experimental-wasm-revectorize`), where
 * the processor has AVX2; V8 in Node 22 finds nothing to fuse. Each lane computes what it did, so no bit changes. It holds
 * for the whole process, and for code that is compiled from then on: kernels created earlier keep what they have.
 */
export function revectorize(): void {
  setFlagsFromString('--experimental-wasm-revectorize');
}

/** One vector of 512 bits. */
const LETTERS = new Uint8Array(64);

/**
 * Clears the upper halves of the processor's vector registers, in about 50 ns. V8 returns from fused code without having
 * done so, and as long as they are not clear, JavaScript that V8 has not compiled with AVX, its interpreter among it, runs
 * up to twenty times slower. There is no instruction for it in WebAssembly; a compiled function of Node that uses wide
 * vectors itself ends with it, as compilers see to that (Intel, Software Developer's Manual, VZEROUPPER).
 */
export function clearUpperHalves(): void {
  isAscii(LETTERS);
}
