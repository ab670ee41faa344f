import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readManifest } from '../../../../golden/goldens.ts';
import { standardModel } from '../../../support/models/standard-model.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const COMMIT = 'c'.repeat(40);

/** A HuggingFace cache that has the model, and a folder that has its goldens. */
function cached(t: ExecutionContext) {
  const cache = temporaryFolder(t);
  const goldens = temporaryFolder(t);
  const model = join(cache, 'models--Qwen--Qwen3-0.6B');
  const snapshot = join(model, 'snapshots', COMMIT);
  for (const folder of [snapshot, join(model, 'refs'), join(goldens, 'Qwen--Qwen3-0.6B')])
    mkdirSync(folder, { recursive: true });
  for (const file of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'])
    writeFileSync(join(snapshot, file), '{}');
  writeFileSync(join(model, 'refs', 'main'), COMMIT);
  const manifest = { ...readManifest('dense'), model: 'Qwen--Qwen3-0.6B', source: 'Qwen/Qwen3-0.6B' };
  writeFileSync(join(goldens, 'Qwen--Qwen3-0.6B', 'manifest.json'), JSON.stringify(manifest));
  return { env: { HF_HUB_CACHE: cache }, snapshot, goldens };
}

test('the real model is taken where the cache has it whole and its goldens were recorded, and that is said', async (t) => {
  const { env, snapshot, goldens } = cached(t);
  t.deepEqual(await standardModel(env, goldens), {
    golden: 'Qwen--Qwen3-0.6B',
    modelDir: snapshot,
    description: `Qwen/Qwen3-0.6B itself, from ${snapshot}`,
  });
});

test('without its weights, or without goldens of it, its stand-in is taken, and it is said why', async (t) => {
  const { env, snapshot, goldens } = cached(t);
  const isStandIn = async (folder: string, reason: RegExp) => {
    const { golden, modelDir, description } = await standardModel(env, folder);
    t.deepEqual([golden, modelDir], ['qwen3-0.6b-shape', undefined]);
    t.regex(
      description,
      /^qwen3-0\.6b-shape, the fixture of its exact shape with seeded weights: Qwen\/Qwen3-0\.6B /,
    );
    t.regex(description, reason);
  };
  await isStandIn(temporaryFolder(t), /has no goldens \(npm run goldens:regen -- --model Qwen\/Qwen3-0\.6B/);
  rmSync(join(snapshot, 'model.safetensors'));
  await isStandIn(goldens, /is not in the HuggingFace cache$/);
});
