import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { LoadOptions } from '../../engine/distributed/load-model.ts';
import { Engine } from '../../engine/engine.ts';
import { GroupError, ShardingError } from '../../engine/errors.ts';
import { createScalarKernels } from '../../engine/kernels/scalar.ts';
import { generateOne } from '../../verify/generate.ts';
import { MARK, markedProcesses } from '../support/groups/groups.ts';
import { shardedDense, shardedMoe } from '../support/groups/sharded-models.ts';
import { trackResources } from '../support/processes/cleanup.ts';
import { modelDirectory } from '../unit/engine/tiny-models.ts';

trackResources(test);

const REQUEST = { ids: [1, 2, 3], maxNewTokens: 100, ignoreEos: true };
/** How long the processes of a failed group may take to end. */
const WITHIN_MS = 5000;

// Distinguishes the ranks of this file from those of other files in the same process.
const mark = randomUUID();
process.env[MARK] = mark;
// /proc shows the environment that a process was started with, so this process does not count.
const ranks = () => markedProcesses(mark);

async function load(t: ExecutionContext, options: LoadOptions = {}): Promise<Engine> {
  const dir = modelDirectory(t, shardedDense());
  return Engine.load(dir, { tp: 2, threads: 1, cacheTokens: 128, groupTimeoutMs: 1000, ...options });
}

async function allEnd(t: ExecutionContext): Promise<void> {
  const deadline = Date.now() + WITHIN_MS;
  while (ranks().length > 0 && Date.now() < deadline) await sleep(20);
  t.deepEqual(ranks(), []);
}

const failures = [
  ['SIGKILL', /Rank 1 was killed by SIGKILL/],
  ['SIGSTOP', /Rank 1 .*has (given no sign of life|not come)/],
] as const;

for (const [signal, message] of failures) {
  test.serial(`a rank that gets ${signal} during generation is named, and no process is left`, async (t) => {
    const engine = await load(t);
    const [pid] = ranks();
    let tokens = 0;
    const generating = generateOne(engine, REQUEST, () => {
      if (++tokens === 5) process.kill(pid, signal);
    });
    const error = await t.throwsAsync(generating, { instanceOf: GroupError, message });
    t.deepEqual(error.ranks, [1]);
    t.true(tokens >= 5 && tokens < 100);
    await t.throwsAsync(generateOne(engine, REQUEST), { instanceOf: GroupError, message });
    await t.notThrowsAsync(engine.close(), 'the failure was already thrown');
    await allEnd(t);
  });
}

test.serial('a rank that is killed while the engine is idle fails the next call', async (t) => {
  const engine = await load(t, { tp: 4 });
  process.kill(Math.max(...ranks()), 'SIGKILL');
  await sleep(100);
  t.throws(() => engine.forward([1]), { instanceOf: GroupError, message: /Rank \d was killed by SIGKILL/ });
  await engine.close();
  await allEnd(t);
});

test.serial('a rank that is killed before the engine is closed fails close', async (t) => {
  const engine = await load(t);
  process.kill(ranks()[0], 'SIGKILL');
  await sleep(100);
  await t.throwsAsync(engine.close(), { instanceOf: GroupError, message: /Rank 1 was killed by SIGKILL/ });
  await allEnd(t);
});

test.serial('an error of rank 0 during a step is thrown as it is, and ends the other ranks', async (t) => {
  const kernels = createScalarKernels();
  const engine = await load(t, { kernels });
  kernels.rmsNorm = () => {
    throw new Error('the disk is full');
  };
  t.throws(() => engine.forward([1, 2]), { message: 'the disk is full' });
  t.throws(() => engine.forward([1, 2]), {
    instanceOf: GroupError,
    message: /gave up: Error: the disk is full/,
  });
  await engine.close();
  await allEnd(t);
});

test.serial('an observer that throws ends its forward pass alone, and no rank', async (t) => {
  const engine = await load(t);
  const { logits } = engine.forward([1, 2]);
  const observe = () => {
    throw new Error('seen enough');
  };
  t.throws(() => engine.forward([1, 2], { observe }), { message: 'seen enough' });
  t.deepEqual(engine.forward([1, 2]).logits, logits);
  await engine.close();
  await allEnd(t);
});

test.serial('an error of rank 0 during loading is thrown as it is, and ends the other ranks', async (t) => {
  const onProgress = () => {
    throw new Error('cannot write progress');
  };
  await t.throwsAsync(load(t, { onProgress }), { message: 'cannot write progress' });
  await allEnd(t);
});

test.serial('an engine that is closed again does nothing', async (t) => {
  const engine = await load(t);
  await Promise.all([engine.close(), engine.close()]);
  await t.notThrowsAsync(engine.close());
  await allEnd(t);
});

test.serial('sizes that cannot be sharded are refused before any process is started', async (t) => {
  const refuse = async (options: LoadOptions, message: RegExp) => {
    await t.throwsAsync(load(t, options), { instanceOf: ShardingError, message });
    t.deepEqual(ranks(), []);
  };
  await refuse({ tp: 3 }, /over 3 ranks: expected one of 1, 2, 4, 8/);
  await refuse({ tp: 1, ep: 2 }, /no experts/);
  const dir = modelDirectory(t, shardedMoe());
  await t.throwsAsync(Engine.load(dir, { tp: 2, ep: 4 }), { instanceOf: ShardingError });
});

test.serial('closing an engine ends its ranks, also if it is closed twice', async (t) => {
  const engine = await load(t);
  t.is(ranks().length, 1);
  await Promise.all([engine.close(), engine.close()]);
  await allEnd(t);
});
