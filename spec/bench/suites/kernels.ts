import type { WeightDtype } from '../../../engine/config.ts';
import { type Kernels, scoresLength } from '../../../engine/kernels/kernels.ts';
import { createWasmKernels, type WasmKernelsOptions } from '../../../engine/kernels/wasm.ts';
import { bytesPerWeight } from '../../../engine/kernels/widen.ts';
import { alternate, type Contender } from '../alternate.ts';
import { type BenchContext, type SuiteResult, skippedTask, threadCount } from '../context.ts';
import { ENGINE, type Measurement } from '../figure.ts';
import { LimitMeter } from '../limits/limits.ts';
import type { MachineLimits } from '../work.ts';

/** Qwen3-0.6B's gate projection, for products that are bound by arithmetic. */
const GATE = { inputs: 1024, outputs: 3072 };
const ROWS = [8, 128];
/** Attention of one row in the heads of Qwen3-0.6B. */
const ATTENTION = {
  numAttentionHeads: 16,
  numKeyValueHeads: 8,
  headDim: 128,
  blockSize: 16,
  positions: 2048,
};

/** A kernel at work: what one call does, in the unit of its limit. */
interface KernelTask {
  name: string;
  work: number;
  bound: 'reading' | 'arithmetic';
  call(): void;
}

const BOUNDS = {
  reading: { unit: 'GB/s', limit: 'bytesPerSecond', from: 'plain WebAssembly read loop' },
  arithmetic: { unit: 'GFLOP/s', limit: 'flopsPerSecond', from: 'multiply-add loop in registers' },
} as const;

/** The kernels in turn with the limits of the machine, on one thread and on all of the run. */
export async function kernels(context: BenchContext): Promise<SuiteResult> {
  const result: SuiteResult = { measurements: [], skipped: [] };
  for (const threads of new Set([1, context.threads])) {
    const part = await onThreads(context, threads);
    result.measurements.push(...part.measurements);
    result.skipped.push(...part.skipped);
  }
  return result;
}

async function onThreads(
  { profile, revectorize, report }: BenchContext,
  threads: number,
): Promise<SuiteResult> {
  const { bytes, minMs } = profile.kernels;
  const options: WasmKernelsOptions & { threads: number } = { threads, revectorize };
  const subject = await createWasmKernels(options);
  const meter = await LimitMeter.start(threads, bytes);
  try {
    const limits: MachineLimits[] = [];
    const tasks = kernelTasks(subject, bytes);
    const contenders: Contender<number>[] = tasks.map((task) => ({
      name: task.name,
      run: async () => {
        report(`kernels: ${task.name}, ${threadCount(threads)}`);
        return rate(task, minMs);
      },
    }));
    // In turn with the kernels, so that they meet the machine in the same state.
    contenders.push({
      name: 'limits',
      run: async () => {
        limits.push(await meter.measure());
        return 0;
      },
    });
    const { results, failures } = await alternate(contenders, {
      rounds: profile.rounds,
      maxMs: profile.maxTaskMs * tasks.length,
    });
    const measurements = [
      ...limitMeasurements(limits, threads),
      ...tasks.flatMap((task) => {
        const samples = results.get(task.name);
        return samples ? [measurement(task, samples, limits, threads)] : [];
      }),
    ];
    return { measurements, skipped: skippedTask('kernels', failures) };
  } finally {
    subject.dispose();
    await meter.close();
  }
}

/** @returns work per second, of as many calls as take `minMs`. */
function rate(task: KernelTask, minMs: number): number {
  const begin = performance.now();
  let calls = 0;
  let elapsed = 0;
  do {
    task.call();
    calls++;
    elapsed = performance.now() - begin;
  } while (elapsed < minMs);
  return (1000 * calls * task.work) / elapsed;
}

function measurement(
  task: KernelTask,
  samples: readonly number[],
  limits: readonly MachineLimits[],
  threads: number,
): Measurement {
  const { unit, limit, from } = BOUNDS[task.bound];
  return {
    task: `kernels bound by ${task.bound}`,
    variant: `${task.name}, ${threadCount(threads)}`,
    subject: ENGINE,
    unit,
    better: 'higher',
    samples: samples.map((perSecond) => perSecond / 1e9),
    limit: { value: Math.max(...limits.map((measured) => measured[limit])) / 1e9, from },
  };
}

function limitMeasurements(limits: readonly MachineLimits[], threads: number): Measurement[] {
  return Object.values(BOUNDS).map(({ unit, limit, from }) => ({
    task: 'limits of the machine',
    variant: `${from}, ${threadCount(threads)}`,
    subject: 'the machine',
    unit,
    better: 'higher',
    samples: limits.map((measured) => measured[limit] / 1e9),
  }));
}

function kernelTasks(kernels: Kernels, bytes: number): KernelTask[] {
  const tasks: KernelTask[] = [];
  for (const dtype of ['BF16', 'F32'] as const) {
    const { inputs } = GATE;
    const outputs = Math.floor(bytes / inputs / bytesPerWeight(dtype));
    tasks.push({
      name: `matmul ${dtype}, 1 row`,
      work: outputs * inputs * bytesPerWeight(dtype),
      bound: 'reading',
      call: matmul(kernels, { outputs, inputs, dtype }, 1),
    });
    for (const rows of ROWS) {
      tasks.push({
        name: `matmul ${dtype}, ${rows} rows`,
        work: 2 * rows * GATE.outputs * inputs,
        bound: 'arithmetic',
        call: matmul(kernels, { ...GATE, dtype }, rows),
      });
    }
  }
  return [...tasks, attention(kernels)];
}

function matmul(
  kernels: Kernels,
  shape: { outputs: number; inputs: number; dtype: WeightDtype },
  rows: number,
): () => void {
  const rowBytes = shape.inputs * bytesPerWeight(shape.dtype);
  const matrix = kernels.pack(shape, (_, numRows) => new Uint8Array(numRows * rowBytes));
  const x = kernels.allocate(rows * shape.inputs).fill(0.5);
  const y = kernels.allocate(rows * shape.outputs);
  return () => kernels.matmul(x, rows, matrix, y);
}

function attention(kernels: Kernels): KernelTask {
  const { positions, blockSize, numAttentionHeads, numKeyValueHeads, headDim } = ATTENTION;
  const numBlocks = positions / blockSize;
  const cached = positions * numKeyValueHeads * headDim;
  const args = {
    ...ATTENTION,
    q: kernels.allocate(numAttentionHeads * headDim).fill(0.5),
    out: kernels.allocate(numAttentionHeads * headDim),
    keys: kernels.allocate(cached).fill(0.5),
    values: kernels.allocate(cached).fill(0.5),
    blockTable: kernels.allocateInt32(numBlocks),
    rows: 1,
    startPosition: positions - 1,
    scale: 1 / Math.sqrt(headDim),
    scores: kernels.allocate(scoresLength(kernels.threads, positions)),
  };
  for (let block = 0; block < numBlocks; block++) args.blockTable[block] = block;
  return {
    name: `attention, 1 row over ${positions} positions`,
    work: 2 * cached * Float32Array.BYTES_PER_ELEMENT,
    bound: 'reading',
    call: () => kernels.attention(args),
  };
}
