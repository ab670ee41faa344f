import type { Worker } from 'node:worker_threads';
import { KernelError } from '../errors.ts';
import { MAX_THREADS } from '../options.ts';
import { describeShortage } from '../terminal/shortage.ts';
import { siblingModule } from '../terminal/sibling-module.ts';
import { startThread } from '../terminal/start-thread.ts';
import { JOB_BYTES, MAX_ARGUMENTS } from './abi.ts';
import { instantiate, type KernelFunctions } from './instance.ts';
import type { KernelMemory } from './memory.ts';
import type { ThreadData } from './pool-thread.ts';
import { clearUpperHalves } from './revectorize.ts';
import type { ArgumentsOf, Kernel } from './table.ts';
import type { KernelModule } from './web-assembly.ts';

/** Multiplications that are worth waking another thread: about ten microseconds of work. */
const SHARED_WORK = 2 ** 17;

/**
 * Parts for each thread, unless the call says: the other threads take over the parts of a thread that is
 * held up.
 */
const PARTS_PER_THREAD = 4;

/** Seconds that a thread may take for a part, which takes milliseconds, before it counts as dead. */
const PATIENCE = 10;

/** The program of a thread, `.ts` in the repository and `.js` where the package is compiled. */
const PROGRAM = siblingModule('./pool-thread.ts', import.meta.url);

/** What `share` in `assembly/threads/threads.ts` returns if not all parts are computed. */
const FAILED = 1;
const SILENT = 2;

/** A call of a compiled kernel. */
export interface KernelCall<A extends object> {
  kernel: Kernel<A>;
  args: NoInfer<ArgumentsOf<A>>;
  /** Independent units of work, see the kernel's arguments in `abi.ts`. */
  units: number;
  /** The most units of a part, which one thread computes. Default: a few parts for each thread. */
  grain?: number;
  /**
   * The fewest units of a part. Below `grain`, parts become smaller towards the end, so that no thread waits
   * for the last part of another. Default: `grain`.
   */
  minGrain?: number;
  /** The number of multiplications, roughly: small calls are not shared. */
  work: number;
}

export interface PoolOptions {
  /**
   * Multiplications from which on a call is shared; a smaller call stays in the calling thread. Default 2¹⁷.
   */
  sharedWork?: number;
  /** Seconds that a thread may take for a part. Default 10. */
  patience?: number;
}

/** What a {@link ThreadPool} is made of. */
export interface ThreadPoolOptions extends PoolOptions {
  /** Threads, the calling one included; 1 … 256. */
  size: number;
  /** The compiled kernels, and the file that they were read from. */
  module: KernelModule;
  /** Whether V8 may have fused vectors to 256 bits. */
  isWide: boolean;
  wasmUrl: URL;
  memory: KernelMemory;
}

/**
 * Threads that share the work of one kernel call after the other. The calling thread takes part; the others
 * start with the first call that is worth sharing, sleep between calls, and end with {@link close}. They
 * split work by outputs, never along a sum, so their number changes no bit.
 */
export class ThreadPool {
  readonly size: number;
  readonly functions: KernelFunctions;
  readonly #sharedWork: number;
  readonly #patience: number;
  readonly #isWide: boolean;
  readonly #job: number;
  readonly #args: Float64Array;
  readonly #start: (thread: number) => Worker;
  #threads: Worker[] | undefined;
  #error: Error | undefined;
  #closed = false;

  /** @throws KernelError if the number of threads is out of range, or the kernels cannot be instantiated. */
  constructor({
    size,
    module,
    isWide,
    wasmUrl,
    memory,
    sharedWork = SHARED_WORK,
    patience = PATIENCE,
  }: ThreadPoolOptions) {
    if (!Number.isInteger(size) || size < 1 || size > MAX_THREADS) {
      throw new KernelError(`${size} threads, expected a whole number of 1 to ${MAX_THREADS}`);
    }
    this.size = size;
    this.#sharedWork = sharedWork;
    this.#patience = patience;
    this.#isWide = isWide;
    this.functions = instantiate(module, wasmUrl, memory.memory);
    this.#job = memory.allocate(JOB_BYTES + MAX_ARGUMENTS * Float64Array.BYTES_PER_ELEMENT);
    this.#args = new Float64Array(memory.buffer, this.#job + JOB_BYTES, MAX_ARGUMENTS);
    this.functions.attach(this.#job, 0);
    this.#start = (thread) => {
      const workerData: ThreadData = {
        module,
        wasmPath: wasmUrl.href,
        memory: memory.memory,
        job: this.#job,
        thread,
      };
      return startThread(PROGRAM, { workerData });
    };
  }

  /**
   * @throws KernelError if a thread cannot be started, or has died. The result of this call is then
   * incomplete, and later calls throw, too.
   */
  share<A extends object>(call: KernelCall<A>): void {
    const { kernel, args, units, work } = call;
    const { number, argumentNames } = kernel;
    for (let i = 0; i < argumentNames.length; i++) this.#args[i] = args[argumentNames[i] as keyof A];
    const grain = call.grain ?? Math.ceil(units / (PARTS_PER_THREAD * this.size));
    const minGrain = call.minGrain ?? grain;
    if (this.size === 1 || work < this.#sharedWork || units <= minGrain) {
      this.functions.run(number, units);
    } else {
      this.#shareParts(number, units, grain, minGrain);
    }
    if (this.#isWide) clearUpperHalves();
  }

  /** Ends the threads, also those asleep. {@link share} must not be called afterwards. */
  close(): void {
    this.#closed = true;
    this.functions.close();
  }

  #shareParts(kernel: number, units: number, grain: number, minGrain: number): void {
    this.#checkAlive();
    this.#threads ??= this.#startThreads();
    const patience = 10 * this.#patience;
    const outcome = this.functions.share(kernel, units, grain, minGrain, this.size, patience);
    if (outcome === FAILED) this.#error ??= new Error('it threw an error');
    if (outcome === SILENT) this.#error ??= new Error(`it did not answer for ${this.#patience} s`);
    this.#checkAlive();
  }

  #startThreads(): Worker[] {
    return Array.from({ length: this.size - 1 }, (_, i) => {
      const thread = this.#startOne(i + 1);
      thread.on('error', (error) => {
        this.#error ??= error as Error;
      });
      thread.on('exit', (code) => {
        if (!this.#closed) this.#error ??= new Error(`it ended with exit code ${code}`);
      });
      // A process that forgets to close the pool can end all the same.
      thread.unref();
      return thread;
    });
  }

  #startOne(thread: number): Worker {
    try {
      return this.#start(thread);
    } catch (cause) {
      // The threads that have been started wait, and end with the pool.
      this.#error = new KernelError(
        `cannot start thread ${thread + 1} of ${this.size} of the kernels: ${(cause as Error).message}; or use fewer threads`,
        { cause },
      );
      throw this.#error;
    }
  }

  #checkAlive(): void {
    if (this.#error === undefined) return;
    if (this.#error instanceof KernelError) throw this.#error;
    throw new KernelError(
      `a thread of the kernels has died: ${describeShortage(this.#error)}; close the engine and load it again`,
      { cause: this.#error },
    );
  }
}
