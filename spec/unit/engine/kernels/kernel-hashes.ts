// Runs every kernel of the table on values of every flavour, and prints the SHA-256 of what each wrote.
import { createHash } from 'node:crypto';
import { KERNELS } from '../../../../engine/kernels/table.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';
import { FLAVOURS } from './arrays.ts';
import { SMALL_SAMPLE, sampleValues } from './sample-values.ts';

const kernels = await createWasmKernels();
// The second for the line that is printed once.
(await createWasmKernels()).dispose();
const hashes: Record<string, string> = {};
for (const [name, { sample }] of Object.entries(KERNELS)) {
  const hash = createHash('sha256');
  for (const rows of [1, 3, 20]) {
    for (const flavour of FLAVOURS) {
      const { run, written } = sample(kernels, { ...SMALL_SAMPLE, rows }, sampleValues(1, flavour));
      run();
      for (const array of written) hash.update(withoutNaN(array));
    }
  }
  hashes[name] = hash.digest('hex');
}
kernels.dispose();
console.log(JSON.stringify(hashes));

/** A copy in which all NaNs are the same: their sign and payload are the machine's. */
function withoutNaN(array: Float32Array | Uint8Array): Float32Array | Uint8Array {
  return array instanceof Float32Array
    ? array.map((value) => (Number.isNaN(value) ? NaN : value))
    : array.slice();
}
