import type { WeightDtype } from '../../../engine/config.ts';
import type { SampleSize, SampleValues } from '../../../engine/kernels/samples.ts';
import { KERNELS, type Kernel } from '../../../engine/kernels/table.ts';
import { createWasmKernels, type WasmKernelsOptions } from '../../../engine/kernels/wasm.ts';
import { bytesPerWeight } from '../../../engine/kernels/widen.ts';
import { alternate, type Contender } from '../alternate.ts';
import { type BenchContext, type SuiteResult, skippedTask, threadCount } from '../context.ts';
import { ENGINE, type Measurement } from '../figure.ts';
import { LimitMeter } from '../limits/limits.ts';
import { workPerSecond } from '../statistics.ts';
import type { MachineLimits } from '../work.ts';

/** A chunk of a prompt in the gate projection and the heads of Qwen3-0.6B. */
const SIZE: SampleSize = {
  rows: 128,
  inputs: 1024,
  outputs: 3072,
  numKeyValueHeads: 8,
  headsPerKey: 2,
  halfHeadDim: 64,
  blockSize: 16,
  startPosition: 0,
};
const DTYPES = ['F32', 'F16', 'BF16'] as const satisfies readonly WeightDtype[];
/** Rows of matmuls that are bound by arithmetic. */
const ROWS = [8, 128];
/** Attention of the decode step reads the cache of all positions. */
const DECODE: SampleSize = { ...SIZE, rows: 1, startPosition: 2047 };

/** Zeros: kernels that work in place do not leave the normal numbers, however often they run. */
const ZEROS: SampleValues = {
  floats: (length) => new Float32Array(length),
  weights: ({ inputs, dtype }) => {
    const rowBytes = inputs * bytesPerWeight(dtype);
    return (_, rows) => new Uint8Array(rows * rowBytes);
  },
};

/** A kernel at work, measured against the limit that bounds it. */
interface KernelTask {
  name: string;
  kernel: Kernel;
  size: SampleSize;
  bound: keyof typeof BOUNDS;
}

const BOUNDS = {
  reading: { unit: 'GB/s', work: 'bytes', limit: 'bytesPerSecond', from: 'plain WebAssembly read loop' },
  arithmetic: {
    unit: 'GFLOP/s',
    work: 'flops',
    limit: 'flopsPerSecond',
    from: 'fused multiply-adds in registers',
  },
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
  const meter = await LimitMeter.start({ threads, bytes, revectorize });
  try {
    const limits: MachineLimits[] = [];
    const tasks = kernelTasks(bytes);
    const contenders: Contender<number>[] = tasks.map(({ name, kernel, size, bound }) => {
      const sample = kernel.sample(subject, size, ZEROS);
      // Each run of packing takes memory for good, so one run is a measurement.
      const leastMs = kernel.method === 'pack' ? 0 : minMs;
      return {
        name,
        run: async () => {
          report(`kernels: ${name}, ${threadCount(threads)}`);
          return workPerSecond(sample.run, { work: sample[BOUNDS[bound].work], leastMs });
        },
      };
    });
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

/**
 * Every kernel of the table.
 *
 * @param bytes that a matmul of a single row, or one value after the other, reads and writes
 */
function kernelTasks(bytes: number): KernelTask[] {
  // One value after the other: two arrays are read, and one is written, of f32 [rows, inputs].
  const stream: SampleSize = { ...SIZE, rows: Math.floor(bytes / SIZE.inputs / (3 * 4)) };
  return Object.entries(KERNELS).flatMap(([name, kernel]): KernelTask[] => {
    const dtype = DTYPES.find((each) => KERNELS[`matmul${each}`] === kernel);
    if (dtype !== undefined) return matmulTasks(name, kernel, dtype, bytes);
    switch (kernel.method) {
      case 'attention': {
        const positions = DECODE.startPosition + 1;
        return [
          { name: `${name}, 1 row over ${positions} positions`, kernel, size: DECODE, bound: 'reading' },
        ];
      }
      case 'matmul':
      case 'gather':
      case 'pack':
      case 'storeKeyValue':
        return [{ name, kernel, size: SIZE, bound: 'reading' }];
      default:
        return [{ name, kernel, size: stream, bound: 'reading' }];
    }
  });
}

function matmulTasks(name: string, kernel: Kernel, dtype: WeightDtype, bytes: number): KernelTask[] {
  const outputs = Math.floor(bytes / SIZE.inputs / bytesPerWeight(dtype));
  return [
    { name: `${name}, 1 row`, kernel, size: { ...SIZE, rows: 1, outputs }, bound: 'reading' },
    ...ROWS.map(
      (rows): KernelTask => ({
        ...{ name: `${name}, ${rows} rows`, kernel },
        ...{ size: { ...SIZE, rows }, bound: 'arithmetic' },
      }),
    ),
  ];
}
