import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { checkIdentity } from '../../../../engine/checkpoint/identity.ts';
import { CheckpointError, ConfigError, ModelIdentityError } from '../../../../engine/errors.ts';
import {
  type HeaderEntry,
  QWEN3_0_6B,
  QWEN3_0_6B_CONFIG,
  writeSparseCheckpoint,
} from '../../../support/models/sparse-checkpoint.ts';
import { temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';

trackResources(test);

const NAME = 'Qwen/Qwen3-0.6B';
const KEY = 'model.layers.3.self_attn.k_proj.weight';
const NORM = 'model.norm.weight';

function directory(
  t: ExecutionContext,
  ...what: [config?: object, edit?: (h: Record<string, HeaderEntry>) => void]
) {
  const modelDir = temporaryFolder(t);
  const [config = {}, edit] = what;
  writeSparseCheckpoint(modelDir, { ...QWEN3_0_6B_CONFIG, ...config }, edit);
  return modelDir;
}

/** The differences that a refusal lists. */
async function differences(t: ExecutionContext, modelDir: string): Promise<string[]> {
  const { message } = await t.throwsAsync(checkIdentity(modelDir, NAME, QWEN3_0_6B), {
    instanceOf: ModelIdentityError,
  });
  const [start, end] = [
    `${modelDir}: is not ${NAME}: `,
    '; use the model itself, or another name for this one',
  ];
  t.true(message.startsWith(start) && message.endsWith(end), message);
  return message.slice(start.length, -end.length).split('; ');
}

test('Qwen3-0.6B is identified by configuration and headers; no weight is read', async (t) => {
  const modelDir = directory(t);
  const { size, blocks } = statSync(join(modelDir, 'model.safetensors'));
  t.true(size > 2 * 596_049_920 && blocks * 512 < 1e6, 'the file is sparse');
  await t.notThrowsAsync(checkIdentity(modelDir, NAME, QWEN3_0_6B));
});

test('a stored copy of the tied head, as in the published file, is ignored', async (t) => {
  const head = { dtype: 'BF16', shape: [151936, 1024] };
  const modelDir = directory(t, {}, (header) => Object.assign(header, { 'lm_head.weight': head }));
  await t.notThrowsAsync(checkIdentity(modelDir, NAME, QWEN3_0_6B));
});

test('another model is refused with every difference', async (t) => {
  const larger = {
    hidden_size: 2048,
    intermediate_size: 6144,
    architectures: ['Qwen3Model'],
    rms_norm_eps: 1e-5,
  };
  t.deepEqual(await differences(t, directory(t, larger)), [
    'architectures is Qwen3Model, expected Qwen3ForCausalLM',
    'hiddenSize is 2048, expected 1024',
    'intermediateSize is 6144, expected 3072',
    'rmsNormEps is 0.00001, expected 0.000001',
    'the number of parameters is 1720574976, expected 596049920',
  ]);
});

for (const [config, expected] of [
  [{ architectures: [] }, ['architectures is none, expected Qwen3ForCausalLM']],
  [{ architectures: undefined }, ['architectures is none, expected Qwen3ForCausalLM']],
  [
    { architectures: ['Qwen3ForCausalLM', 'Other'] },
    ['architectures is Qwen3ForCausalLM, Other, expected Qwen3ForCausalLM'],
  ],
  [{ num_attention_heads: 8 }, ['numAttentionHeads is 8, expected 16', 'the number of parameters is']],
  [{ num_key_value_heads: 16 }, ['numKeyValueHeads is 16, expected 8', 'the number of parameters is']],
  [{ num_hidden_layers: 27 }, ['numHiddenLayers is 27, expected 28', 'the number of parameters is']],
  [{ head_dim: 64 }, ['headDim is 64, expected 128', 'the number of parameters is']],
  [{ vocab_size: 151935 }, ['vocabSize is 151935, expected 151936', 'the number of parameters is']],
  [
    { tie_word_embeddings: false },
    ['tieWordEmbeddings is false, expected true', 'the number of parameters is'],
  ],
  [{ rope_theta: 10000 }, ['ropeTheta is 10000, expected 1000000']],
] as const) {
  test(`a model with ${inspect(config)} is refused`, async (t) => {
    const found = await differences(t, directory(t, config));
    t.is(found.length, expected.length);
    for (const [i, start] of expected.entries()) t.true(found[i].startsWith(start), found[i]);
  });
}

for (const [what, edit, expected] of [
  [
    'a weight that is missing',
    (header) => delete header[KEY],
    ['the number of parameters is 595001344, expected 596049920', `${KEY} is missing`],
  ],
  [
    'a weight of another shape',
    (header) => Object.assign(header[KEY], { shape: [1024, 512, 2] }),
    [`the shape of ${KEY} is 1024,512,2, expected 1024,1024`],
  ],
  [
    'a weight too many',
    (header) => Object.assign(header, { bias: { dtype: 'BF16', shape: [3] } }),
    ['the number of parameters is 596049923, expected 596049920', 'bias is unknown'],
  ],
  [
    'a weight in other bits',
    (header) => {
      for (const name of [KEY, NORM]) Object.assign(header[name], { dtype: 'F16' });
    },
    [KEY, NORM].map((name) => `${name} is stored in F16, expected BF16`),
  ],
] as [string, (header: Record<string, HeaderEntry>) => void, string[]][]) {
  test(`a model with ${what} is refused by its name`, async (t) => {
    t.deepEqual(await differences(t, directory(t, {}, edit)), expected);
  });
}

test('a file that cannot be read is an error of its reader', async (t) => {
  const modelDir = directory(t);
  rmSync(join(modelDir, 'model.safetensors'));
  await t.throwsAsync(checkIdentity(modelDir, NAME, QWEN3_0_6B), { instanceOf: CheckpointError });
  writeFileSync(join(modelDir, 'config.json'), '{');
  await t.throwsAsync(checkIdentity(modelDir, NAME, QWEN3_0_6B), { instanceOf: ConfigError });
});
