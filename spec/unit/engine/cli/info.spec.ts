import test from 'ava';
import { formatModelInfo, info } from '../../../../engine/cli/info.ts';
import type { ModelInfo } from '../../../../engine/cli/model-info.ts';
import { parseModelConfig } from '../../../../engine/config.ts';
import { CheckpointError } from '../../../../engine/errors.ts';
import { TEMPLATE_FILES } from '../../../../engine/text/tokenizer-files.ts';
import { ensureFixture } from '../../../../generator/fixtures/fixtures.ts';
import { trackResources } from '../../../support/processes/cleanup.ts';
import { modelDir } from '../text/tiny.ts';
import { fakeIo, TINY_CONFIG } from './support.ts';

trackResources(test);

const MODEL: ModelInfo = {
  directory: '/models/tiny',
  config: parseModelConfig(TINY_CONFIG),
  parameters: { total: 1_540_000, active: 1_540_000 },
  weightBytes: { total: 3_080_500, byDtype: { BF16: 3_080_000, F32: 500 } },
  cacheBytesPerToken: 32,
  files: [
    { name: 'config.json', bytes: 683 },
    { name: 'model.safetensors', bytes: 3_081_000 },
  ],
};

test('the table has a line for each fact', (t) => {
  t.deepEqual(formatModelInfo(MODEL).split('\n'), [
    'directory     /models/tiny',
    'architecture  qwen3',
    'layers        2',
    'hidden size   4',
    'attention     2 query heads, 1 key/value heads of 2',
    'MLP           8',
    'experts       none',
    'vocabulary    304, end of sequence 300',
    'positions     16',
    'embeddings    tied: the head is the embedding',
    'parameters    1,540,000',
    'weights       3,080,500 bytes (3.1 MB): 3,080,000 bytes (3.1 MB) BF16, 500 bytes F32',
    'cache         32 bytes per token, 512 bytes per block of 16',
    'files         config.json, 683 bytes',
    '              model.safetensors, 3,081,000 bytes (3.1 MB)',
    '',
  ]);
});

test('a mixture of experts has its experts and active parameters in the table', (t) => {
  const mixture = {
    ...TINY_CONFIG,
    model_type: 'qwen3_moe',
    num_experts: 8,
    num_experts_per_tok: 2,
    moe_intermediate_size: 4,
    mlp_only_layers: [0],
    tie_word_embeddings: false,
    eos_token_id: undefined,
  };
  const shown = (norm_topk_prob: boolean) =>
    formatModelInfo({
      ...MODEL,
      config: parseModelConfig({ ...mixture, norm_topk_prob }),
      parameters: { total: 2000, active: 1000 },
    });
  for (const line of [
    'architecture  qwen3_moe',
    'experts       8 of 4 in 1 of 2 layers, 2 per token, renormalised',
    'vocabulary    304, end of sequence none',
    'embeddings    not tied',
    'parameters    2,000, of which 1,000 per token',
  ]) {
    t.true(shown(true).includes(`${line}\n`), shown(true));
  }
  t.true(shown(false).includes('2 per token\n'));
});

test('a model is described as a table, or as JSON', async (t) => {
  const model = await ensureFixture('dense');
  const [table, json] = [fakeIo(), fakeIo()];
  await info({ model }, table);
  await info({ model, json: true }, json);
  const described = JSON.parse(json.stdout.text);
  const text = ['tokenizer.json', 'tokenizer_config.json', ...TEMPLATE_FILES];
  const optional = ['generation_config.json', ...text];
  t.deepEqual(json.resolved, [
    [model, { files: ['config.json'], optional, weights: true, revision: undefined }],
  ]);
  t.is(table.stdout.text, formatModelInfo(described));
  t.like(described, {
    directory: model,
    cacheBytesPerToken: 3 * 2 * 2 * 24 * 4,
    weightBytes: { byDtype: { F32: 4 * 192592 } },
  });
  t.true(json.stdout.text.endsWith('}\n'));
});

test('an incomplete model is an error of the run', async (t) => {
  const io = fakeIo();
  const model = modelDir(t, { 'config.json': TINY_CONFIG });
  await t.throwsAsync(info({ model }, io), { instanceOf: CheckpointError });
  t.is(io.stdout.text, '');
});
