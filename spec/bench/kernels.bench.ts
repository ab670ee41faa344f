import { Bench } from 'tinybench';
import type { Kernels } from '../../engine/kernels/kernels.ts';
import { createScalarKernels } from '../../engine/kernels/scalar.ts';
import { createWasmKernels } from '../../engine/kernels/wasm.ts';
import { type BenchResult, medianMs, throughput } from './result.ts';

const INPUTS = 512;
const OUTPUTS = 1024;

/** The SIMD kernels against their scalar twin: matmul as in prefill and as in decode, for each weight dtype. */
export async function benchKernels(): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  const implementations = { wasm: await createWasmKernels(), scalar: createScalarKernels() };
  for (const dtype of ['F32', 'F16', 'BF16'] as const) {
    for (const rows of [1, 128]) {
      const bench = new Bench({ time: 300, warmupTime: 50, iterations: 3, warmupIterations: 1 });
      for (const [name, kernels] of Object.entries(implementations))
        bench.add(name, matmulTask(kernels, dtype, rows));
      await bench.run();
      const gflop = (2 * rows * INPUTS * OUTPUTS) / 1e9;
      const [wasm, scalar] = [medianMs(bench, 'wasm'), medianMs(bench, 'scalar')];
      results.push(
        throughput(`matmul ${dtype}, ${rows} rows, SIMD : scalar`, 'GFLOP/s', gflop, wasm, scalar),
      );
    }
  }
  return results;
}

function matmulTask(kernels: Kernels, dtype: 'F32' | 'F16' | 'BF16', rows: number): () => void {
  const bytes = dtype === 'F32' ? 4 : 2;
  const matrix = kernels.pack(
    { outputs: OUTPUTS, inputs: INPUTS, dtype },
    (_, n) => new Uint8Array(n * INPUTS * bytes),
  );
  const x = kernels.allocate(rows * INPUTS).fill(0.5);
  const y = kernels.allocate(rows * OUTPUTS);
  return () => kernels.matmul(x, rows, matrix, y);
}
