import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadModel } from '../../../../engine/distributed/load-model.ts';
import { KernelError, OptionError, ShardingError } from '../../../../engine/errors.ts';
import { JOB_BYTES, MAX_ARGUMENTS } from '../../../../engine/kernels/abi.ts';
import type { Kernels } from '../../../../engine/kernels/kernels.ts';
import { canRevectorize } from '../../../../engine/kernels/revectorize.ts';
import { KERNELS } from '../../../../engine/kernels/table.ts';
import { createWasmKernels } from '../../../../engine/kernels/wasm.ts';
import type { EngineOptions } from '../../../../engine/options.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { countThreads } from '../../../support/processes/count-threads.ts';
import { splitOffExperts } from '../../../support/processes/damage.ts';
import { onOpen } from '../../../support/processes/opened-files.ts';
import { denseModel, modelDirectory, moeModel, wideModel } from '../tiny-models.ts';

// A model that is refused must be closed again: a file that stays open fails this spec.
trackResources(test);

test.serial('each file of a model is opened once', async (t) => {
  const dir = modelDirectory(t, moeModel());
  splitOffExperts(dir, 2);
  const opened: string[] = [];
  const stop = onOpen((path) => {
    if (path.startsWith(`${dir}/`)) opened.push(path);
  });
  t.teardown(stop);
  const { kernels, leader } = await loadModel(dir, { threads: 1 });
  stop();
  kernels.dispose();
  await leader.close();
  const files = readdirSync(dir).map((file) => join(dir, file));
  t.true(files.filter((file) => file.endsWith('.safetensors')).length === 2, files.join());
  // An optional file is looked for once as well.
  t.deepEqual(opened.sort(), [...files, join(dir, 'generation_config.json')].sort());
});

test("given kernels are used, and stay the caller's if loading fails", async (t) => {
  const kernels = await createWasmKernels({ maxBytes: 2 ** 24 });
  t.teardown(() => kernels.dispose());
  const dir = modelDirectory(t, denseModel());
  await t.throwsAsync(loadModel(dir, { tp: 3 }, kernels), { instanceOf: ShardingError });
  t.notThrows(() => kernels.allocate(1));
  const loaded = await loadModel(dir, {}, kernels);
  t.is(loaded.kernels, kernels);
  await loaded.leader.close();
});

/** Whether the kernels compute with vectors of 256 bits, as the arguments of their last matmul say. */
function isWide(kernels: Kernels): boolean {
  const matrix = kernels.pack({ outputs: 1, inputs: 1, dtype: 'F32' }, () => new Uint8Array(4));
  kernels.matmul(kernels.allocate(1), 1, matrix, kernels.allocate(1));
  // The job of the threads, with its arguments, is the first thing in memory.
  const args = new Float64Array(kernels.allocate(0).buffer, 64 + JOB_BYTES, MAX_ARGUMENTS);
  return args[KERNELS.matmulF32.argumentNames.indexOf('isWide')] === 1;
}

test('threads and vectors are those of the options, by default all that the machine has', async (t) => {
  const dir = modelDirectory(t, denseModel());
  for (const [options, threads, revectorize] of [
    [{}, availableParallelism(), true],
    [{ threads: 3, revectorize: false }, 3, false],
  ] as const) {
    const { kernels, leader, options: complete } = await loadModel(dir, options);
    t.is(kernels.threads, threads);
    t.is(isWide(kernels), revectorize && canRevectorize());
    t.is(complete.cacheTokens, 64);
    kernels.dispose();
    await leader.close();
  }
});

test.serial('a model that cannot be loaded leaves no thread of its kernels', async (t) => {
  const dir = modelDirectory(t, wideModel());
  const threads = countThreads(t);
  const onProgress = (done: number, total: number) => {
    if (done === total) throw new Error('enough');
  };
  await t.throwsAsync(loadModel(dir, { threads: 2, onProgress }), { message: 'enough' });
  t.deepEqual(await threads(), { started: 1, ended: 1 });
});

const REFUSED: [string, EngineOptions, new (...args: never[]) => Error][] = [
  ['a wrong option', { maxBatch: 0 }, OptionError],
  ['a wrong number of ranks', { tp: 3 }, ShardingError],
  ['a cache that is too large', { cacheTokens: 2 ** 30 }, KernelError],
];
for (const [what, options, instanceOf] of REFUSED) {
  test(`${what} is refused, and no file stays open`, async (t) => {
    const dir = modelDirectory(t, denseModel());
    const error = await t.throwsAsync(loadModel(dir, options));
    t.true(error instanceof instanceOf, String(error));
  });
}
