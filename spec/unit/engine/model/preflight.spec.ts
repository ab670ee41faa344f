import test, { type ExecutionContext } from 'ava';
import { ModelDirectory } from '../../../../engine/checkpoint/model-directory.ts';
import { KernelError } from '../../../../engine/errors.ts';
import { checkLoadable } from '../../../../engine/model/preflight.ts';
import { completeEngineOptions, type EngineOptions } from '../../../../engine/options.ts';
import { closing, trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from '../tiny-models.ts';

trackResources(test);

/** The check of a tiny model with these options. */
async function check(t: ExecutionContext, options: EngineOptions = {}, ranks = 1): Promise<void> {
  const directory = closing(t, await ModelDirectory.open(modelDirectory(t, denseModel())));
  checkLoadable(directory, completeEngineOptions(options, directory.config), ranks);
}

test('a model whose weights and cache can be addressed is accepted', async (t) => {
  await t.notThrowsAsync(check(t, { cacheTokens: 1024 }));
});

test('a model that is too large for one memory may be shared by ranks', async (t) => {
  await t.throwsAsync(check(t, { cacheTokens: 2 ** 25 }), {
    instanceOf: KernelError,
    message:
      /: use a smaller cache \(fewer or shorter requests\), smaller steps, a smaller model, or more ranks of tensor parallelism \(--tp\)$/,
  });
  await t.notThrowsAsync(check(t, { cacheTokens: 2 ** 25 }, 2));
});

for (const [what, options, message] of [
  [
    'a cache',
    { cacheTokens: 2 ** 30 },
    /the weights take 0\.0 MiB, a cache of 1073741824 tokens \(cacheTokens, .*\) 196608\.0 MiB, .* expected at most 4096\.0 MiB/,
  ],
  ['a block', { blockSize: 2 ** 30 }, /a cache of 64 tokens .* blockSize 1073741824\) 196608\.0 MiB/],
  [
    'a step',
    { maxBatchTokens: 2 ** 30 },
    /a step of 1073741824 tokens \(maxBatchTokens\) 479232\.0 MiB; expected at most 4096\.0 MiB/,
  ],
] as const) {
  test(`${what} that cannot be addressed is refused with its size and its option`, async (t) => {
    await t.throwsAsync(check(t, options), { instanceOf: KernelError, message });
  });
}
