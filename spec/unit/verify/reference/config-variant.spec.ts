import { existsSync } from 'node:fs';
import test from 'ava';
import { Engine, readModelConfig } from '../../../../engine/index.ts';
import { withConfig } from '../../../../verify/reference/config-variant.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { modelDirectory, moeModel } from '../../engine/tiny-models.ts';

trackResources(test);

test('a model is seen with other values of its configuration, and its own stays', async (t) => {
  const dir = modelDirectory(t, moeModel());
  let seen = '';
  const logits = await withConfig(dir, { num_experts_per_tok: 1 }, async (variant) => {
    seen = variant;
    t.is((await readModelConfig(variant)).moe!.numExpertsPerTok, 1);
    const engine = await Engine.load(variant);
    const result = engine.forward([1, 2, 3]).logits;
    await engine.close();
    return result;
  });
  t.is(logits.length, 3 * 19);
  t.is((await readModelConfig(dir)).moe!.numExpertsPerTok, 2);
  t.false(existsSync(seen), 'the folder is removed');
});

test('the folder is removed when what is run fails', async (t) => {
  const dir = modelDirectory(t, moeModel());
  let seen = '';
  await t.throwsAsync(
    withConfig(dir, {}, async (variant) => {
      seen = variant;
      throw new Error('no');
    }),
    { message: 'no' },
  );
  t.false(existsSync(seen));
});
