import test from 'ava';
import { CheckpointError, KernelError } from '../../../../engine/errors.ts';
import { checkLoadable } from '../../../../engine/model/preflight.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from '../tiny-models.ts';

trackResources(test);

test('a model whose weights and cache can be addressed is let pass', (t) => {
  const model = denseModel();
  t.notThrows(() => checkLoadable(modelDirectory(t, model), model.config, 1024));
});

test('a configuration that the weights are not of is told as such, not as a lack of memory', (t) => {
  const model = denseModel();
  const hostile = { ...model.config, headDim: 2 ** 31 - 2 };
  t.throws(() => checkLoadable(modelDirectory(t, model), hostile, 1024), {
    instanceOf: CheckpointError,
    message: /q_proj\.weight" has shape/,
  });
});

test('what is too large for one memory may be spread over ranks', (t) => {
  const model = denseModel();
  const dir = modelDirectory(t, model);
  const check = (ranks: number) => checkLoadable(dir, model.config, 2 ** 25, ranks);
  t.throws(() => check(1), {
    instanceOf: KernelError,
    message: /or more ranks of tensor parallelism \(--tp\)$/,
  });
  t.notThrows(() => check(2));
});

test('weights and cache that cannot be addressed are refused by their sizes', (t) => {
  const model = denseModel();
  t.throws(() => checkLoadable(modelDirectory(t, model), model.config, 2 ** 40), {
    instanceOf: KernelError,
    message:
      /the weights take \d+\.\d MiB, and a cache of 1099511627776 tokens \d+\.\d MiB; together at most 4096\.0 MiB/,
  });
});
