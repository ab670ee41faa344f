import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { readModelConfig } from '../../engine/checkpoint/read-config.ts';
import { type ModelConfig, parseModelConfig } from '../../engine/config.ts';
import { ConfigError } from '../../engine/errors.ts';
import { temporaryFolder, trackResources } from '../support/processes/cleanup.ts';
import { tinyModel } from '../support/properties/arbitraries.ts';

trackResources(test);

const SEED = 20261122;
const ROPE = { rope_type: 'default', rope_theta: 10000 };
/** Every key that is looked at, each with a value that is accepted. */
const EVERY_KEY: Readonly<Record<string, unknown>> = {
  model_type: 'qwen3_moe',
  vocab_size: 384,
  hidden_size: 96,
  intermediate_size: 160,
  num_hidden_layers: 3,
  num_attention_heads: 6,
  num_key_value_heads: 3,
  head_dim: 24,
  max_position_embeddings: 40960,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  partial_rotary_factor: 1,
  rope_parameters: ROPE,
  rope_scaling: null,
  tie_word_embeddings: false,
  torch_dtype: 'float32',
  dtype: 'float32',
  eos_token_id: [0, 383],
  hidden_act: 'silu',
  attention_bias: false,
  use_sliding_window: false,
  layer_types: ['full_attention'],
  quantization_config: null,
  num_experts: 6,
  num_local_experts: 6,
  num_experts_per_tok: 2,
  moe_intermediate_size: 48,
  norm_topk_prob: true,
  decoder_sparse_step: 1,
  mlp_only_layers: [1],
};

const anyValue = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown>(undefined, null) },
  fc.constantFrom<unknown>(true, false, '', '96', [], {}, [null], NaN, Infinity, -0, 0.5, 1e-320),
  fc.constantFrom(-1, 0, 1, 2, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e300),
  fc.integer({ min: -5, max: 500 }),
  fc.double(),
  fc.constantFrom('qwen3', 'qwen3_moe', 'Qwen3', 'yarn', 'sliding_attention', 'gelu'),
  fc.array(fc.integer({ min: -2, max: 400 }), { maxLength: 4 }),
  fc.record({ rope_type: fc.constantFrom('default', 'yarn', 1), rope_theta: fc.constantFrom(40, 'a', -1) }),
  fc.jsonValue(),
);
const mutations = fc.dictionary(fc.constantFrom(...Object.keys(EVERY_KEY)), anyValue, {
  minKeys: 1,
  maxKeys: 2,
});

/** Properties that every accepted configuration must have. */
function assertSound(config: ModelConfig): void {
  const problems: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) problems.push(what);
  };
  const { moe } = config;
  const sizes = {
    ...{ vocab: config.vocabSize, hidden: config.hiddenSize, intermediate: config.intermediateSize },
    ...{ layers: config.numHiddenLayers, heads: config.numAttentionHeads, kvHeads: config.numKeyValueHeads },
    ...{ headDim: config.headDim, positions: config.maxPositionEmbeddings },
    ...(moe && { experts: moe.numExperts, chosen: moe.numExpertsPerTok, moe: moe.moeIntermediateSize }),
  };
  for (const [name, value] of Object.entries(sizes)) {
    must(Number.isInteger(value) && value > 0 && value < 2 ** 31, `${name} is ${value}`);
  }
  must(config.headDim % 2 === 0, 'headDim is odd');
  must(config.numAttentionHeads % config.numKeyValueHeads === 0, 'heads cannot be shared out');
  must(Number.isFinite(config.ropeTheta) && config.ropeTheta >= 1, `theta is ${config.ropeTheta}`);
  must(Number.isFinite(config.rmsNormEps) && config.rmsNormEps >= 0, `eps is ${config.rmsNormEps}`);
  must(
    config.eosTokenIds.every((id) => Number.isInteger(id) && id >= 0 && id < config.vocabSize),
    'a stop token is outside the vocabulary',
  );
  must((config.modelType === 'qwen3_moe') === (moe !== undefined), 'experts do not go with the model type');
  must(!moe || moe.sparseLayers.length === config.numHiddenLayers, 'a layer is neither sparse nor dense');
  must(!moe || moe.numExpertsPerTok <= moe.numExperts, 'more experts are chosen than there are');
  must(
    [config, config.eosTokenIds, moe, moe?.sparseLayers].every(Object.isFrozen),
    'something can be changed',
  );
  if (problems.length > 0) throw new Error(problems.join('; '));
}

test('any change to a configuration gives a sound, frozen one or a ConfigError', (t) => {
  assertSound(parseModelConfig(EVERY_KEY));
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(mutations, fc.constantFrom('qwen3', 'qwen3_moe'), (changes, modelType) => {
      try {
        assertSound(parseModelConfig({ ...EVERY_KEY, model_type: modelType, ...changes }));
        accepted += 1;
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        refused += 1;
      }
    }),
    { seed: SEED, numRuns: 4000 },
  );
  t.true(accepted > 400 && refused > 400, `${accepted} accepted, ${refused} refused`);
});

test('a key without which the configuration is refused is named in the refusal', (t) => {
  const refused = Object.keys(EVERY_KEY).filter((key) => {
    const { [key]: _, ...rest } = EVERY_KEY;
    try {
      assertSound(parseModelConfig(rest));
      return false;
    } catch (error) {
      t.true(error instanceof ConfigError && error.message.includes(key), `${key}: ${error}`);
      return true;
    }
  });
  t.deepEqual(refused, [
    'model_type',
    'vocab_size',
    'hidden_size',
    'intermediate_size',
    'num_hidden_layers',
    'num_attention_heads',
    'num_key_value_heads',
    'max_position_embeddings',
    'rms_norm_eps',
    'num_experts_per_tok',
    'moe_intermediate_size',
  ]);
});

test('a key that nothing depends on changes nothing', (t) => {
  const expected = parseModelConfig(EVERY_KEY);
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), (key, value) => {
      if (!Object.hasOwn(EVERY_KEY, key)) {
        t.deepEqual(parseModelConfig({ ...EVERY_KEY, [key]: value }), expected);
      }
    }),
    { seed: SEED, numRuns: 200 },
  );
  t.pass();
});

test('random tiny models are accepted, in both spellings', (t) => {
  fc.assert(
    fc.property(tinyModel(), ({ configJson }) => assertSound(parseModelConfig(configJson))),
    { seed: SEED, numRuns: 100 },
  );
  t.pass();
});

test('a config.json cut short anywhere, or of arbitrary bytes, is a ConfigError', async (t) => {
  const dir = temporaryFolder(t);
  const path = join(dir, 'config.json');
  const whole = Buffer.from(JSON.stringify(EVERY_KEY));
  const cut = fc.nat(whole.length - 1).map((length) => whole.subarray(0, length));
  await fc.assert(
    fc.asyncProperty(fc.oneof(cut, fc.uint8Array({ maxLength: 40 })), async (bytes) => {
      writeFileSync(path, bytes);
      const error = await readModelConfig(dir).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      if (!(error instanceof ConfigError)) throw new Error(`got ${error}`);
      if (!error.message.includes(path)) throw new Error(`does not name the file: ${error.message}`);
    }),
    { seed: SEED, numRuns: 200 },
  );
  writeFileSync(path, whole);
  assertSound(await readModelConfig(dir));
  t.pass();
});
