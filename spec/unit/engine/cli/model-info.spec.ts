import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type TensorData, writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { expectedWeights } from '../../../../engine/checkpoint/weights.ts';
import { readModelInfo } from '../../../../engine/cli/model-info.ts';
import { parseModelConfig } from '../../../../engine/config.ts';
import { CheckpointError, ConfigError } from '../../../../engine/errors.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { modelDir } from '../text/tiny.ts';
import { TEXT_MODEL, TINY_CONFIG } from './support.ts';

trackResources(test);

/** A model of zeros, its norms in f32 and its matrices in bf16; `change` may damage its tensors. */
function zeros(t: ExecutionContext, change: (tensors: Map<string, TensorData>) => void = () => {}): string {
  const dir = modelDir(t, TEXT_MODEL);
  const tensors = new Map<string, TensorData>();
  for (const [name, shape] of expectedWeights(parseModelConfig(TINY_CONFIG))) {
    const isNorm = shape.length === 1;
    const bytes = shape.reduce((product, size) => product * size, isNorm ? 4 : 2);
    tensors.set(name, { dtype: isNorm ? 'F32' : 'BF16', shape, data: new Uint8Array(bytes) });
  }
  change(tensors);
  writeSafetensors(join(dir, 'model.safetensors'), tensors);
  return dir;
}

/** By hand: q and o [4, 4], k and v [2, 4], gate, up and down [8, 4]. */
const MATRICES = 304 * 4 + 2 * (2 * 16 + 2 * 8 + 3 * 32);
/** Two norms of 4 and two of the head's 2 in each layer, and the last. */
const NORMS = 2 * (4 + 4 + 2 + 2) + 4;

test('parameters, bytes by dtype and bytes of the cache are exact', async (t) => {
  const dir = zeros(t);
  const info = await readModelInfo(dir);
  t.is(info.directory, dir);
  t.deepEqual(info.config, parseModelConfig(TINY_CONFIG));
  t.deepEqual(info.parameters, { total: MATRICES + NORMS, active: MATRICES + NORMS });
  t.deepEqual(info.weightBytes, {
    total: 2 * MATRICES + 4 * NORMS,
    byDtype: { BF16: 2 * MATRICES, F32: 4 * NORMS },
  });
  // Two layers, key and value, one head of 2, four bytes each.
  t.is(info.cacheBytesPerToken, 2 * 2 * 1 * 2 * 4);
});

test('existing files are listed with their sizes', async (t) => {
  const dir = zeros(t);
  rmSync(join(dir, 'tokenizer.json'));
  mkdirSync(join(dir, 'additional_chat_templates'));
  const templates = ['chat_template.jinja', 'additional_chat_templates/rag.jinja'];
  for (const name of templates) writeFileSync(join(dir, name), name);
  writeFileSync(join(dir, 'generation_config.json'), '{}');
  const text = ['tokenizer_config.json', ...templates];
  const names = ['config.json', 'generation_config.json', ...text, 'model.safetensors'];
  t.deepEqual(
    (await readModelInfo(dir)).files,
    names.map((name) => ({ name, bytes: statSync(join(dir, name)).size })),
  );
});

test('a stored head of tied embeddings has bytes but no parameters', async (t) => {
  const head: TensorData = { dtype: 'F16', shape: [304, 4], data: new Uint8Array(304 * 4 * 2) };
  const info = await readModelInfo(zeros(t, (tensors) => tensors.set('lm_head.weight', head)));
  t.is(info.parameters.total, MATRICES + NORMS);
  t.is(info.weightBytes.byDtype.F16, 304 * 4 * 2);
});

test('a checkpoint that does not match its configuration is refused and closed', async (t) => {
  const dir = zeros(t, (tensors) => tensors.delete('model.norm.weight'));
  await t.throwsAsync(readModelInfo(dir), { instanceOf: CheckpointError, message: /model\.norm\.weight/ });
});

test('a directory without weights or configuration is refused', async (t) => {
  await t.throwsAsync(readModelInfo(modelDir(t, { 'config.json': TINY_CONFIG })), {
    instanceOf: CheckpointError,
  });
  await t.throwsAsync(readModelInfo(modelDir(t, {})), { instanceOf: ConfigError });
});
