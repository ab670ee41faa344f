import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { KernelMemory } from '../../../engine/kernels/memory.ts';
import { selectKernels } from '../../../engine/kernels/select.ts';
import { KERNELS_URL } from '../../../engine/kernels/sources.ts';
import type { MachineLimits } from '../work.ts';
import { compileLimits } from './compile.ts';
import type { ArithmeticLoop, LimitTask, LimitWorkerData } from './worker.ts';

/** Bytes of a turn of the reading loop (`assembly/index.ts`); no two threads share a cache line. */
const STRIDE = 128;
/** Operations of a turn of the arithmetic loops: a fused multiply-add of four lanes is eight. */
const FLOPS_PER_TURN = { multiplyAdd: 64, multiplyAddWide: 160 };
const TURNS = 20_000_000;
/** The least that one measurement reads, so that the time of messages to threads does not matter. */
const MIN_READ_BYTES = 2 ** 30;

/** How limits are measured. */
export interface LimitMeterOptions {
  readonly threads: number;
  /** That are read together: as many as what is to be compared with reads, for caches are large. */
  readonly bytes: number;
  /** Whether vectors may be fused to 256 bits, as the engine's option. Default true. */
  readonly revectorize?: boolean;
  /** The time in ms. Default `performance.now`. */
  readonly now?: () => number;
}

/** Threads that measure what the machine can do at most, in WebAssembly and on memory like the kernels'. */
export class LimitMeter {
  readonly threads: number;
  /** Of the vectors that the arithmetic loop computes with, as the kernels do. */
  readonly vectorBits: number;
  readonly #workers: Worker[];
  readonly #arithmetic: ArithmeticLoop;
  readonly #bytes: number;
  readonly #now: () => number;

  private constructor(
    workers: Worker[],
    { arithmetic, bytes, now }: { arithmetic: ArithmeticLoop; bytes: number; now: () => number },
  ) {
    this.threads = workers.length;
    this.vectorBits = arithmetic === 'multiplyAddWide' ? 256 : 128;
    this.#workers = workers;
    this.#arithmetic = arithmetic;
    this.#bytes = bytes;
    this.#now = now;
  }

  /** @throws KernelError if there is no such memory. */
  static async start(options: LimitMeterOptions): Promise<LimitMeter> {
    const { threads, bytes, revectorize = true, now = () => performance.now() } = options;
    const memory = new KernelMemory();
    // Sets the flags of V8 with which the kernels are compiled.
    const choice = { memory: memory.memory, revectorize, onWarning: () => {} };
    const { isWide } = await selectKernels(KERNELS_URL, choice);
    const arithmetic = isWide ? 'multiplyAddWide' : 'multiplyAdd';
    const wasm = await compileLimits();
    const part = Math.ceil(bytes / threads / STRIDE) * STRIDE;
    const address = memory.allocate(part * threads);
    // Pages that were never written are all the same page.
    new Uint8Array(memory.buffer, address, part * threads).fill(1);
    const workers = Array.from({ length: threads }, (_, i) => {
      const workerData: LimitWorkerData = {
        wasm,
        arithmetic,
        memory: memory.memory,
        begin: address + i * part,
        bytes: part,
      };
      return new Worker(new URL('./worker.ts', import.meta.url), { workerData });
    });
    const meter = new LimitMeter(workers, { arithmetic, bytes: part * threads, now });
    try {
      await Promise.all(workers.map((worker) => once(worker, 'message')));
    } catch (error) {
      await meter.close();
      throw error;
    }
    return meter;
  }

  /** Both limits, once. */
  async measure(): Promise<MachineLimits> {
    const times = Math.ceil(MIN_READ_BYTES / this.#bytes);
    const readMs = await this.#run({ kind: 'read', times });
    const computeMs = await this.#run({ kind: 'multiplyAdd', turns: TURNS });
    return {
      bytesPerSecond: (1000 * times * this.#bytes) / readMs,
      flopsPerSecond: (1000 * this.threads * TURNS * FLOPS_PER_TURN[this.#arithmetic]) / computeMs,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  /** @returns how long all threads together took, in ms. */
  async #run(task: LimitTask): Promise<number> {
    const begin = this.#now();
    const done = this.#workers.map((worker) => once(worker, 'message'));
    for (const worker of this.#workers) worker.postMessage(task);
    await Promise.all(done);
    return this.#now() - begin;
  }
}
