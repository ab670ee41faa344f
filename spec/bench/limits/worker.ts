/** A thread of the measurement of limits: runs its part of a loop when a message asks for it. */
import { parentPort, workerData } from 'node:worker_threads';
import { type SharedMemory, WebAssembly } from '../../../engine/kernels/web-assembly.ts';

/** What `assembly/index.ts` exports. */
export interface LimitLoops {
  read(address: number, bytes: number): number;
  multiplyAdd(turns: number, factor: number, summand: number, sums: number): void;
  multiplyAddWide(turns: number, factor: number, summand: number, sums: number): void;
}

/** Loops of fused multiply-adds: for vectors of 128 bits, and for 256. */
export type ArithmeticLoop = 'multiplyAdd' | 'multiplyAddWide';

/** What a thread is started with. */
export interface LimitWorkerData {
  wasm: Uint8Array;
  memory: SharedMemory;
  /** What `multiplyAdd` runs. */
  arithmetic: ArithmeticLoop;
  /** Of the memory, in bytes: what this thread reads, and writes the sums to. */
  begin: number;
  bytes: number;
}

/** What it is asked for; it answers when it is done. */
export type LimitTask = { kind: 'read'; times: number } | { kind: 'multiplyAdd'; turns: number };

const { wasm, memory, arithmetic, begin, bytes } = workerData as LimitWorkerData;
const module = new WebAssembly.Module(wasm);
const loops = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as LimitLoops;

/** A call is short: V8 replaces its quick code by its good code only between two calls. */
const CALL_TURNS = 10_000;
const CALL_BYTES = 2 ** 18;
/** Until the good code is there, and the clock of the processor is up. */
const WARM_UP_MS = 300;

function multiplyAdd(): void {
  loops[arithmetic](CALL_TURNS, 0.5, 1, begin);
}

function run(task: LimitTask): void {
  if (task.kind === 'multiplyAdd') {
    for (let turn = 0; turn < task.turns; turn += CALL_TURNS) multiplyAdd();
    return;
  }
  for (let i = 0; i < task.times; i++) {
    for (let at = 0; at < bytes; at += CALL_BYTES) loops.read(begin + at, Math.min(CALL_BYTES, bytes - at));
  }
}

parentPort?.on('message', (task: LimitTask) => {
  run(task);
  parentPort?.postMessage('done');
});
for (const start = performance.now(); performance.now() - start < WARM_UP_MS; ) {
  multiplyAdd();
  loops.read(begin, Math.min(CALL_BYTES, bytes));
}
parentPort?.postMessage('ready');
