import { spawnSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { KernelError } from '../../../../engine/errors.ts';
import { compile, readKernels } from '../../../../engine/kernels/instance.ts';
import type { Kernels } from '../../../../engine/kernels/kernels.ts';
import { KernelMemory } from '../../../../engine/kernels/memory.ts';
import { ThreadPool } from '../../../../engine/kernels/pool.ts';
import { KERNELS } from '../../../../engine/kernels/table.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const DIED = 'a thread of the kernels has died:';

/** Kernels, and the worker threads that they have started. */
async function threaded(t: ExecutionContext, threads: number, sharedWork = 0) {
  const workers: Worker[] = [];
  const onWorker = (message: unknown) => workers.push((message as { worker: Worker }).worker);
  subscribe('worker_threads', onWorker);
  t.teardown(() => unsubscribe('worker_threads', onWorker));
  const kernels = await createWasmKernels({ threads, sharedWork });
  t.teardown(() => kernels.dispose());
  return { kernels, workers };
}

/** y = 2x over a matrix of many panels; compute() returns the sum of y. */
function double(kernels: Kernels, outputs = 4096): { expected: number; compute(): number } {
  const weights = new Uint8Array(new Float32Array(outputs).fill(2).buffer);
  const matrix = kernels.pack({ outputs, inputs: 1, dtype: 'F32' }, (row, rows) =>
    weights.subarray(4 * row, 4 * (row + rows)),
  );
  const x = kernels.allocate(1).fill(1);
  const y = kernels.allocate(outputs);
  const compute = () => {
    y.fill(0);
    kernels.matmul(x, 1, matrix, y);
    return y.reduce((sum, value) => sum + value, 0);
  };
  return { expected: 2 * outputs, compute };
}

/** Waits until it holds, at most five seconds. */
async function until(holds: () => boolean): Promise<boolean> {
  for (let i = 0; i < 500 && !holds(); i++) await sleep(10);
  return holds();
}

test.serial('threads start with the first call worth sharing, and end with the kernels', async (t) => {
  const { kernels, workers } = await threaded(t, 3);
  t.is(kernels.threads, 3);
  t.is(workers.length, 0);
  const { compute, expected } = double(kernels);
  t.is(compute(), expected);
  t.is(workers.length, 2);
  let numExited = 0;
  for (const worker of workers) worker.once('exit', () => numExited++);
  kernels.dispose();
  t.true(await until(() => numExited === 2), `${numExited} of 2 threads ended`);
});

test.serial(
  'every shared call has a number of its own, by which a thread knows that it has not seen it',
  async (t) => {
    const { kernels } = await threaded(t, 2);
    const { compute, expected } = double(kernels);
    // The job is the first thing in memory; the upper half of its first word is the number.
    const number = () =>
      Number(Atomics.load(new BigUint64Array(kernels.allocate(0).buffer, 64, 1), 0) >> 32n);
    t.is(compute(), expected);
    for (let i = 0; i < 5; i++) {
      const before = number();
      t.is(compute(), expected);
      t.is(number(), before + 1);
    }
  },
);

test.serial('a process that does not close its threads ends all the same', (t) => {
  const url = new URL('../../../../engine/kernels/wasm.ts', import.meta.url);
  const code = `
    import { once } from 'node:events';
    import { createWasmKernels } from '${url}';
    const started = [];
    process.on('worker', (worker) => started.push(once(worker, 'online')));
    const kernels = await createWasmKernels({ threads: 3, sharedWork: 0 });
    kernels.add(kernels.allocate(4096), kernels.allocate(4096), 4096);
    const alive = setInterval(() => {}, 1000);
    await new Promise(setImmediate);
    await Promise.all(started);
    clearInterval(alive);
    console.log(started.length);
  `;
  // A file, since threads inherit the flags that a program on the command line needs, and end with an error.
  const program = join(temporaryFolder(t), 'program.mjs');
  writeFileSync(program, code);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  t.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '2\n', stderr: '' });
});

test.serial('a small call stays in the calling thread', async (t) => {
  const { kernels, workers } = await threaded(t, 2, 5000);
  const { compute, expected } = double(kernels, 4096);
  t.is(compute(), expected);
  t.is(workers.length, 0);
});

test.serial('thousands of calls in a row are each complete, whichever thread computes them', async (t) => {
  const { kernels } = await threaded(t, 4);
  const { compute, expected } = double(kernels, 600);
  for (let i = 0; i < 5000; i++) {
    if (compute() !== expected) return t.fail(`call ${i} is not complete`);
    // Threads fall asleep in between, and are woken at work.
    if (i % 1000 === 0) await sleep(20);
  }
  t.pass();
});

test.serial('a terminated thread is an error of the next call, not a hang', async (t) => {
  const { kernels, workers } = await threaded(t, 3);
  const { compute } = double(kernels);
  compute();
  await workers[0].terminate();
  t.throws(compute, {
    instanceOf: KernelError,
    message:
      /^a thread of the kernels has died: it ended with exit code \d; close the engine and load it again/,
  });
});

test.serial('a thread that cannot be started is an error that says what is short, again and again', (t) => {
  if (spawnSync('prlimit', ['--version']).error) return t.pass('this system cannot limit a running process');
  const url = new URL('../../../../engine/kernels/wasm.ts', import.meta.url);
  const code = `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { createWasmKernels } from '${url}';
    const kernels = await createWasmKernels({ threads: 2, sharedWork: 0 });
    const [x, y] = [kernels.allocate(4096), kernels.allocate(4096)];
    const [, size] = /VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
    execFileSync('prlimit', ['--pid', process.pid, '--as=' + 1024 * (Number(size) + 300 * 1024)]);
    for (let i = 0; i < 2; i++) {
      try { kernels.add(x, y, 4096); } catch (error) { console.log(error.name + ': ' + error.message); }
    }
  `;
  const program = join(temporaryFolder(t), 'program.mjs');
  writeFileSync(program, code);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
  t.is(status, 0, stderr);
  const [first, second] = stdout.split('\n');
  t.regex(
    first,
    /^KernelError: cannot start thread 2 of 2 of the kernels: a thread needs 640 MiB of address space, and \d+ MiB are left; raise the limit: ulimit -v; or use fewer threads$/,
  );
  t.is(second, first);
});

test.serial('a thread that ends because of an error is named by its error', async (t) => {
  const { kernels, workers } = await threaded(t, 2);
  const { compute } = double(kernels);
  compute();
  workers[0].emit('error', new RangeError('a trap'));
  workers[0].emit('exit', 1);
  t.throws(compute, {
    instanceOf: KernelError,
    message: `${DIED} a trap; close the engine and load it again`,
  });
});

/** A pool, and another thread that claims a part of its job, which lies at `at`, and then runs `code`. */
async function withStranger(t: ExecutionContext, code: string, patience = 0.3) {
  const url = new URL('../../../../engine/kernels/build/kernels.wasm', import.meta.url);
  const memory = new KernelMemory(2 ** 24);
  const module = compile(await readKernels(url), url);
  const pool = new ThreadPool({
    ...{ size: 2, module, isWide: false, wasmUrl: url, memory },
    ...{ sharedWork: 0, patience },
  });
  t.teardown(() => pool.close());
  const rows = memory.allocate(64 * 4);
  const strips = memory.allocate(64 * 4);
  const program = `
    const { workerData: { buffer, at } } = require('node:worker_threads');
    const words = new Int32Array(buffer, at);
    for (;;) {
      const left = Atomics.load(words, 0);
      if (left > 0 && Atomics.compareExchange(words, 0, left, left - 1) === left) break;
    }
    ${code}`;
  // The memory's first allocation is the job; its claims begin with the number of parts that are left.
  const stranger = new Worker(program, { eval: true, workerData: { buffer: memory.buffer, at: 64 } });
  t.teardown(() => stranger.terminate());
  const args = { x: rows, rows: 64, numStrips: 16, inputs: 1, strips };
  const call = { kernel: KERNELS.packRows, args, units: 16, grain: 1, work: 1 };
  const deadline = Date.now() + 20_000;
  // A word of the job that it does not use says that the stranger has ended.
  const ended = new Int32Array(memory.buffer, 64 + 13 * 4, 1);
  const failed = new Int32Array(memory.buffer, 64 + 5 * 4, 1);
  return () => {
    while (Date.now() < deadline && Atomics.load(ended, 0) === 0) {
      pool.share(call);
      if (Atomics.load(failed, 0) !== 0) throw new Error('a call returned in which a thread had failed');
    }
    return Atomics.load(ended, 0);
  };
}

test.serial('a claimed part that is never computed is an error, not a hang', async (t) => {
  const share = await withStranger(t, '');
  const message = `${DIED} it did not answer for 0.3 s; close the engine and load it again`;
  t.throws(share, { instanceOf: KernelError, message });
  t.throws(share, { instanceOf: KernelError, message }, 'later calls fail, too');
});

test.serial('a thread may take a sixth of the patience for a part', async (t) => {
  // 0.8 of 5 seconds; then all parts are done.
  const code = `
    while (Atomics.load(words, 0) > 0);
    Atomics.wait(words, 14, 0, 800);
    Atomics.store(words, 3, 16);
    Atomics.store(words, 13, 1);
    Atomics.notify(words, 3);`;
  const share = await withStranger(t, code, 5);
  t.is(share(), 1);
});

test.serial('a job may take longer than the patience while parts of it are computed', async (t) => {
  // For two seconds, twice the patience, another number of parts is done (the fourth word) at every look.
  const code = `
    while (Atomics.load(words, 0) > 0);
    for (let i = 0; i < 100; i++) {
      Atomics.store(words, 3, i % 15);
      Atomics.wait(words, 14, 0, 20);
    }
    Atomics.store(words, 3, 16);
    Atomics.store(words, 13, 1);
    Atomics.notify(words, 3);`;
  const share = await withStranger(t, code, 1);
  t.is(share(), 1);
});

test.serial('a failing thread is an error of the call in which it fails', async (t) => {
  // Sets "failed" (the sixth word) and wakes the waiter for "done" (the fourth).
  const share = await withStranger(t, 'Atomics.store(words, 5, 1); Atomics.notify(words, 3);');
  t.throws(share, {
    instanceOf: KernelError,
    message: `${DIED} it threw an error; close the engine and load it again`,
  });
});

test.serial('a number of threads out of range is refused', async (t) => {
  for (const threads of [0, 1.5, 257, NaN]) {
    await t.throwsAsync(createWasmKernels({ threads }), {
      instanceOf: KernelError,
      message: `${threads} threads, expected a whole number of 1 to 256`,
    });
  }
});
