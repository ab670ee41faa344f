import { Worker } from 'node:worker_threads';
import { KernelError } from '../errors.ts';
import { siblingModule } from '../terminal/sibling-module.ts';
import { JOB_ARGUMENTS, JOB_BYTES } from './constants.ts';
import { instantiate, type KernelFunctions, type KernelModule } from './instance.ts';
import type { KernelMemory } from './memory.ts';
import type { ThreadData } from './pool-thread.ts';
import { clearUpperHalves } from './revectorize.ts';

/** Multiplications worth waking another thread for: about ten microseconds of one. */
const SHARED_WORK = 2 ** 17;

/** Parts for each thread of a call that leaves it open: one that is held up leaves the others something to take over. */
const PARTS_PER_THREAD = 4;

/** Seconds that a thread may work on a part, which takes milliseconds, before it counts as dead. */
const PATIENCE = 10;

/** The most threads a pool can have. */
const MAX_THREADS = 256;

/** The program of a thread, `.ts` in the repository and `.js` where the package is compiled. */
const PROGRAM = siblingModule('./pool-thread.ts', import.meta.url);

/** What {@link ThreadPool.share} returns of `share` in `assembly/threads.ts`. */
const FAILED = 1;
const SILENT = 2;

/** A kernel call: which kernel, on how many units of work. */
export interface KernelCall {
  kernel: number;
  units: number;
  /** Units that are one part. Default: what makes a few parts for each thread. */
  grain?: number;
  /** Addresses and counts, as the kernel in `assembly/` tells. */
  args: readonly number[];
  factor?: number;
  /** About how many multiplications it takes: small calls are not shared. */
  work: number;
}

export interface PoolOptions {
  /** Multiplications from which on a call is shared; a smaller one stays in the calling thread. Default 2¹⁷. */
  sharedWork?: number;
  /** Seconds that a thread may be silent. Default 10. */
  patience?: number;
  /** Lets V8 fuse pairs of vectors into 256 bits; see {@link revectorize}. Default false. It changes no bit. */
  revectorize?: boolean;
}

/**
 * Threads that share the work of one kernel call after the other. The thread that calls takes part; the others start
 * with the first call that is worth sharing, sleep while there is none, and end with {@link close}. They split work by
 * outputs, never along a sum, so that their number changes no bit.
 */
export class ThreadPool {
  readonly size: number;
  readonly functions: KernelFunctions;
  readonly #sharedWork: number;
  readonly #patience: number;
  readonly #revectorized: boolean;
  readonly #job: number;
  readonly #args: Uint32Array;
  readonly #start: (thread: number) => Worker;
  #threads: Worker[] | undefined;
  #error: Error | undefined;
  #closed = false;

  /**
   * @param size threads, the calling one included.
   * @throws KernelError if the number of threads is out of range, or the kernels cannot be instantiated.
   */
  constructor(
    size: number,
    module: KernelModule,
    wasmUrl: URL,
    memory: KernelMemory,
    { sharedWork = SHARED_WORK, patience = PATIENCE, revectorize = false }: PoolOptions = {},
  ) {
    if (!Number.isInteger(size) || size < 1 || size > MAX_THREADS) {
      throw new KernelError(`${size} threads, expected a whole number of 1 to ${MAX_THREADS}`);
    }
    this.size = size;
    this.#sharedWork = sharedWork;
    this.#patience = patience;
    this.#revectorized = revectorize;
    this.functions = instantiate(module, wasmUrl, memory.memory);
    this.#job = memory.allocate(JOB_BYTES + JOB_ARGUMENTS * Uint32Array.BYTES_PER_ELEMENT);
    this.#args = new Uint32Array(memory.buffer, this.#job + JOB_BYTES, JOB_ARGUMENTS);
    this.functions.attach(this.#job, 0);
    this.#start = (thread) => {
      const workerData: ThreadData = {
        module,
        wasmPath: wasmUrl.href,
        memory: memory.memory,
        job: this.#job,
        thread,
      };
      return new Worker(PROGRAM, { workerData });
    };
  }

  /** @throws KernelError if a thread has died. The result is then not complete, and so is that of every later call. */
  share({ kernel, units, grain, args, factor = 0, work }: KernelCall): void {
    this.#args.set(args);
    const size = grain ?? Math.ceil(units / (PARTS_PER_THREAD * this.size));
    if (this.size === 1 || work < this.#sharedWork || units <= size) {
      this.functions.run(kernel, units, factor);
    } else {
      this.#shareParts(kernel, units, size, factor);
    }
    if (this.#revectorized) clearUpperHalves();
  }

  /** Ends the threads; those asleep wake for it. Nothing may be shared afterwards. */
  close(): void {
    this.#closed = true;
    this.functions.close();
  }

  #shareParts(kernel: number, units: number, grain: number, factor: number): void {
    this.#threads ??= this.#startThreads();
    this.#checkAlive();
    const outcome = this.functions.share(kernel, units, grain, factor, 10 * this.#patience);
    if (outcome === FAILED) this.#error ??= new Error('it threw an error');
    if (outcome === SILENT) this.#error ??= new Error(`it has not been heard of for ${this.#patience} s`);
    this.#checkAlive();
  }

  #startThreads(): Worker[] {
    return Array.from({ length: this.size - 1 }, (_, i) => {
      const thread = this.#start(i + 1);
      thread.on('error', (error) => {
        this.#error ??= error as Error;
      });
      thread.on('exit', (code) => {
        if (!this.#closed) this.#error ??= new Error(`it ended with exit code ${code}`);
      });
      // Whoever forgets to close the pool shall not wait for it.
      thread.unref();
      return thread;
    });
  }

  #checkAlive(): void {
    if (this.#error === undefined) return;
    throw new KernelError(
      `a thread of the kernels has died: ${this.#error.message}; close the engine and load it again`,
      { cause: this.#error },
    );
  }
}
