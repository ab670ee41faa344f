import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import test from 'ava';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { ensureGguf } from '../../../support/llama-cpp/ensure-gguf.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

test('a GGUF file of a checkpoint is made once for each type of weights', async (t) => {
  const modelDir = await ensureFixture('dense');
  const folder = temporaryFolder(t);
  const path = await ensureGguf(modelDir, { folder });
  t.is(await ensureGguf(modelDir, { folder }), path);
  t.deepEqual(readdirSync(join(folder, 'gguf')).length, 1);
  const { tensorInfos } = await gguf(path, { allowLocalFile: true });
  t.true(tensorInfos.every(({ dtype }) => dtype === 0));

  const narrow = await ensureGguf(modelDir, { type: 'bf16', folder });
  const { tensorInfos: narrowed } = await gguf(narrow, { allowLocalFile: true });
  t.true(narrowed.some(({ dtype }) => dtype === 30));
});
