// Computes matmuls until V8 has optimised them. Prints the SHA-256 of all results, and whether the upper
// halves of the processor's vectors were in use after any of them. Argument: revectorize, or none.
import { createHash } from 'node:crypto';
import type { WeightDtype } from '../../../../engine/config.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';
import { arrayOf, weightsOf } from './arrays.ts';
import { askUpperHalves } from './upper-halves.ts';

const kernels = await createWasmKernels({ revectorize: process.argv[2] === 'revectorize' });
const hash = createHash('sha256');
const upperHalvesInUse = await askUpperHalves();
let left: boolean | undefined = upperHalvesInUse ? false : undefined;
// Enough rows that weights are widened once for all rows.
const [inputs, outputs, maxRows] = [200, 64, 37];
const x = kernels.allocate(maxRows * inputs);
const y = kernels.allocate(maxRows * outputs);
x.set(arrayOf(x.length, 1));
const matrices = (['F32', 'F16', 'BF16'] as WeightDtype[]).map((dtype) => {
  const weights = weightsOf(outputs * inputs, 2, 'plain', dtype);
  const rowBytes = weights.length / outputs;
  return kernels.pack(
    { outputs, inputs, dtype },
    (row, rows) => new Uint8Array(weights.buffer, weights.byteOffset + row * rowBytes, rows * rowBytes),
  );
});
for (let round = 0; round < 300; round++) {
  for (const matrix of matrices) {
    for (const rows of [1, 2, 3, 4, 8, maxRows]) {
      kernels.matmul(x, rows, matrix, y);
      left ||= upperHalvesInUse?.();
      if (round % 100 === 99) hash.update(y.subarray(0, rows * outputs));
    }
  }
  // V8 compiles in other threads; give it time to finish.
  if (round % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
}
console.log(JSON.stringify({ sha256: hash.digest('hex'), left }));
