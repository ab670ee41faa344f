import test from 'ava';
import * as errors from '../../../engine/errors.ts';
import * as plumbline from '../../../engine/index.ts';
import { trackResources } from '../../support/processes/cleanup.ts';
import { denseModel, modelDirectory } from './tiny-models.ts';

trackResources(test);

test('the public API is the engine, its kernels, its text, its configuration and its errors', (t) => {
  t.deepEqual(
    Object.keys(plumbline).sort(),
    [
      'ChatTemplate',
      'Engine',
      'Tokenizer',
      'createScalarKernels',
      'createWasmKernels',
      'parseModelConfig',
      'readModelConfig',
      'widen',
      ...Object.keys(errors),
    ].sort(),
  );
});

test('a model can be loaded, run and refused with what is public', async (t) => {
  const dir = modelDirectory(t, denseModel());
  const engine = await plumbline.Engine.load(dir);
  try {
    t.deepEqual(engine.config, await plumbline.readModelConfig(dir));
    t.is(engine.forward([1, 2]).logits.length, 2 * 19);
    t.throws(() => engine.forward([]), { instanceOf: plumbline.PromptError });
  } finally {
    engine.close();
  }
});
