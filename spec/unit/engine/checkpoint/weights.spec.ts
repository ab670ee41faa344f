import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Checkpoint } from '../../../../engine/checkpoint/checkpoint.ts';
import { type TensorData, writeSafetensors } from '../../../../engine/checkpoint/safetensors-writer.ts';
import { checkWeights, expectedWeights } from '../../../../engine/checkpoint/weights.ts';
import { parseModelConfig } from '../../../../engine/config.ts';
import { CheckpointError } from '../../../../engine/errors.ts';
import { closing, temporaryFolder, trackResources } from '../../../support/processes/cleanup.ts';
import { DENSE_CONFIG, MOE_CONFIG } from '../tiny-models.ts';

trackResources(test);

const LAYER = {
  'input_layernorm.weight': [13],
  'self_attn.q_proj.weight': [24, 13],
  'self_attn.k_proj.weight': [12, 13],
  'self_attn.v_proj.weight': [12, 13],
  'self_attn.o_proj.weight': [13, 24],
  'self_attn.q_norm.weight': [6],
  'self_attn.k_norm.weight': [6],
  'post_attention_layernorm.weight': [13],
};
const mlp = (prefix: string, width: number) => ({
  [`${prefix}.gate_proj.weight`]: [width, 13],
  [`${prefix}.up_proj.weight`]: [width, 13],
  [`${prefix}.down_proj.weight`]: [13, width],
});
const layer = (index: number, weights: Record<string, number[]>) =>
  Object.fromEntries(
    Object.entries(weights).map(([name, shape]) => [`model.layers.${index}.${name}`, shape]),
  );
const ENDS = { 'model.embed_tokens.weight': [19, 13], 'model.norm.weight': [13] };

const expected = (json: object) => Object.fromEntries(expectedWeights(parseModelConfig(json)));

test('a dense model has these weights of these shapes', (t) => {
  t.deepEqual(expected(DENSE_CONFIG), {
    ...ENDS,
    'lm_head.weight': [19, 13],
    ...layer(0, { ...LAYER, ...mlp('mlp', 10) }),
    ...layer(1, { ...LAYER, ...mlp('mlp', 10) }),
  });
});

test('a tied model has no head', (t) => {
  const { 'lm_head.weight': head, ...others } = expected(DENSE_CONFIG);
  t.deepEqual(head, [19, 13]);
  t.deepEqual(expected({ ...DENSE_CONFIG, tie_word_embeddings: true }), others);
});

test('a mixture of experts has a router and the experts in its sparse layers only', (t) => {
  const experts = [0, 1, 2, 3].map((expert) => mlp(`mlp.experts.${expert}`, 11));
  t.deepEqual(expected(MOE_CONFIG), {
    ...ENDS,
    'lm_head.weight': [19, 13],
    ...layer(0, { ...LAYER, ...mlp('mlp', 10) }),
    ...layer(1, { ...LAYER, 'mlp.gate.weight': [4, 13], ...Object.assign({}, ...experts) }),
  });
});

test('Qwen3-0.6B has 596,049,920 parameters', (t) => {
  const weights = expected({
    ...DENSE_CONFIG,
    vocab_size: 151_936,
    hidden_size: 1024,
    intermediate_size: 3072,
    num_hidden_layers: 28,
    num_attention_heads: 16,
    num_key_value_heads: 8,
    head_dim: 128,
    tie_word_embeddings: true,
  });
  const count = Object.values(weights).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b), 0);
  t.is(count, 596_049_920);
});

const BYTES: Record<string, number> = { F64: 8, F32: 4, F16: 2, BF16: 2, I8: 1 };

function tensor(shape: readonly number[], dtype = 'F32'): TensorData {
  const bytes = shape.reduce((product, size) => product * size, BYTES[dtype]);
  return { dtype, shape, data: new Uint8Array(bytes) };
}

/** Holds a checkpoint to its configuration; `changes` are made to its tensors, undefined takes one away. */
function check(t: ExecutionContext, json: object, changes: Record<string, TensorData | undefined>) {
  const config = parseModelConfig(json);
  const tensors = new Map([...expectedWeights(config)].map(([name, shape]) => [name, tensor(shape)]));
  for (const [name, changed] of Object.entries(changes)) {
    if (changed) tensors.set(name, changed);
    else tensors.delete(name);
  }
  const path = join(temporaryFolder(t), 'model.safetensors');
  writeSafetensors(path, tensors);
  const checkpoint = closing(t, Checkpoint.open(join(path, '..')));
  return { path, check: () => checkWeights(checkpoint, config) };
}

test('a checkpoint with all weights is accepted, in any mixture of dtypes', (t) => {
  t.notThrows(check(t, DENSE_CONFIG, {}).check);
  t.notThrows(check(t, MOE_CONFIG, {}).check);
  const changes = {
    'lm_head.weight': tensor([19, 13], 'BF16'),
    'model.norm.weight': tensor([13], 'F16'),
  };
  t.notThrows(check(t, DENSE_CONFIG, changes).check);
});

test('a stored head beside tied embeddings is accepted', (t) => {
  const json = { ...DENSE_CONFIG, tie_word_embeddings: true };
  t.notThrows(check(t, json, { 'lm_head.weight': tensor([19, 13]) }).check);
});

const Q_PROJ = 'model.layers.1.self_attn.q_proj.weight';
const Q_BIAS = 'model.layers.1.self_attn.q_proj.bias';
const EXPERT = 'model.layers.1.mlp.experts.3.up_proj.weight';
const DENSE_IN_MOE = 'model.layers.0.mlp.up_proj.weight';
const missing = (name: string) => `the tensor "${name}" is missing from the checkpoint`;
const unknown = (name: string) => `"${name}" is not a weight of this architecture`;
const REFUSED: [string, object, Record<string, TensorData | undefined>, string][] = [
  ['a missing weight', DENSE_CONFIG, { [Q_PROJ]: undefined }, missing(Q_PROJ)],
  [
    'an untied head that is missing',
    DENSE_CONFIG,
    { 'lm_head.weight': undefined },
    missing('lm_head.weight'),
  ],
  ['a missing expert', MOE_CONFIG, { [EXPERT]: undefined }, missing(EXPERT)],
  ['a dense layer missing in a mixture', MOE_CONFIG, { [DENSE_IN_MOE]: undefined }, missing(DENSE_IN_MOE)],
  [
    'a transposed matrix',
    DENSE_CONFIG,
    { [Q_PROJ]: tensor([13, 24]) },
    `"${Q_PROJ}" has shape [13, 24]; config.json asks for [24, 13]`,
  ],
  [
    'a vector stored as a matrix',
    DENSE_CONFIG,
    { 'model.norm.weight': tensor([1, 13]) },
    '"model.norm.weight" has shape [1, 13]; config.json asks for [13]',
  ],
  [
    'a vector stored as a number',
    DENSE_CONFIG,
    { 'model.norm.weight': tensor([]) },
    '"model.norm.weight" has shape []; config.json asks for [13]',
  ],
  [
    'float64',
    DENSE_CONFIG,
    { [Q_PROJ]: tensor([24, 13], 'F64') },
    `"${Q_PROJ}" has dtype F64; supported are F32, F16, BF16`,
  ],
  [
    'quantised weights',
    DENSE_CONFIG,
    { [Q_PROJ]: tensor([24, 13], 'I8') },
    `"${Q_PROJ}" has dtype I8; supported are F32, F16, BF16`,
  ],
  ['a bias', DENSE_CONFIG, { [Q_BIAS]: tensor([24]) }, unknown(Q_BIAS)],
  [
    'a bias beside tied embeddings',
    { ...DENSE_CONFIG, tie_word_embeddings: true },
    { [Q_BIAS]: tensor([24]) },
    unknown(Q_BIAS),
  ],
  [
    'one layer more than configured',
    DENSE_CONFIG,
    { 'model.layers.2.input_layernorm.weight': tensor([13]) },
    unknown('model.layers.2.input_layernorm.weight'),
  ],
  [
    'an MLP beside the experts',
    MOE_CONFIG,
    { 'model.layers.1.mlp.up_proj.weight': tensor([10, 13]) },
    unknown('model.layers.1.mlp.up_proj.weight'),
  ],
];
for (const [what, json, changes, message] of REFUSED) {
  test(`refused: ${what}`, (t) => {
    const checkpoint = check(t, json, changes);
    t.throws(checkpoint.check, {
      instanceOf: CheckpointError,
      message: `${checkpoint.path}: ${message}`,
    });
  });
}
