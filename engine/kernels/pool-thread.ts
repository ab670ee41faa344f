// A thread of the pool: works on the jobs in the shared memory until the pool is closed.
import { workerData } from 'node:worker_threads';
import { instantiate } from './instance.ts';
import type { KernelModule, SharedMemory } from './web-assembly.ts';

/** The data that a thread is started with. */
export interface ThreadData {
  module: KernelModule;
  wasmPath: string;
  memory: SharedMemory;
  /** Address of the job. */
  job: number;
  thread: number;
}

const { module, wasmPath, memory, job, thread } = workerData as ThreadData;
const functions = instantiate(module, new URL(wasmPath), memory);
functions.attach(job, thread);
try {
  functions.serve();
} catch (error) {
  functions.fail();
  throw error;
}
