import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8 fuse neighbouring 128-bit operations of WebAssembly into 256-bit ones (`--experimental-wasm-revectorize`), where
 * the processor has AVX2; V8 in Node 22 finds nothing to fuse. Each lane computes what it did, so no bit changes. It holds for the whole process, and for code
 * that is compiled from then on: kernels created earlier keep what they have.
 */
export function revectorize(): void {
  setFlagsFromString('--experimental-wasm-revectorize');
}
