import test from 'ava';
import { Engine } from '../../engine/engine.ts';
import type { EngineOptions } from '../../engine/options.ts';
import { ensureFixture } from '../../generator/fixtures/fixtures.ts';
import { engineSubject } from '../../verify/adapters/engine.ts';
import { goldenTests } from '../support/golden/golden-tests.ts';
import type { SharedModel } from '../support/models/shared-model.ts';

// Goldens computed by two processes: fingerprints, logits and hidden states.
const SHARDINGS: [string, EngineOptions][] = [
  ['dense', { tp: 2 }],
  ['moe', { tp: 2 }],
  ['moe-nonorm', { tp: 2, ep: 2 }],
];

for (const [model, sharding] of SHARDINGS) {
  let opened: Promise<SharedModel> | undefined;
  const load = (modelDir: string) => Engine.load(modelDir, { ...sharding, threads: 1 });
  const open = async () => {
    const modelDir = await ensureFixture(model);
    return { ...(await engineSubject('over two ranks', { load }).load(modelDir)), modelDir };
  };
  goldenTests(model, () => {
    opened ??= open();
    return opened;
  });
  test.after.always(`${model}: its ranks end`, async () => {
    await (await opened)?.close();
  });
}
